//! One probe on the wire: resolve, connect, shake hands, close.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::tls::Handshaker;
use super::{Known, Reach};

/// Of a name with more addresses than this the first ones are tried.
const MAX_ADDRESSES: usize = 8;
/// How long the other side is given to close too.
const LINGER: Duration = Duration::from_millis(250);
/// The most that is read, and thrown away, of what the other side says unasked.
const MAX_READ_OUT: usize = 64 << 10;

/// A connection that was made.
#[derive(Debug)]
pub(super) struct Connection(TcpStream);

/// What came instead, and what there is to say of the target.
pub(super) type Failed = (Reach, String);

pub(super) async fn dial(
    known: &Known,
    turn: &Arc<OwnedSemaphorePermit>,
    deadline: Instant,
    handshaker: &Handshaker,
) -> Result<Connection, Failed> {
    let addresses = resolve(known, turn, deadline).await?;
    let stream = connect(&addresses, deadline).await?;
    if known.tls {
        match timeout_at(deadline, handshaker.shake_hands(&stream, &known.host)).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Err((Reach::TlsFailed, why)),
            Err(_) => {
                let said = "takes connections, and its TLS handshake does not end in time";
                return Err((Reach::TimedOut, said.to_owned()));
            }
        }
    }
    Ok(Connection(stream))
}

/// A resolver cannot be interrupted: it keeps the host's turn until it ends, so that a DNS that
/// hangs costs one thread a host, however often it is asked.
async fn resolve(
    known: &Known,
    turn: &Arc<OwnedSemaphorePermit>,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Failed> {
    if let Ok(address) = known.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, known.port)]);
    }
    let (host, port, turn) = (Arc::clone(&known.host), known.port, Arc::clone(turn));
    let resolver = tokio::task::spawn_blocking(move || {
        let found = (&*host, port).to_socket_addrs();
        drop(turn);
        found.map(|found| found.take(MAX_ADDRESSES).collect::<Vec<_>>())
    });
    let why = match timeout_at(deadline, resolver).await {
        Ok(Ok(Ok(addresses))) if !addresses.is_empty() => return Ok(addresses),
        Ok(Ok(Ok(_))) => "it has no address".to_owned(),
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => return Err((Reach::TimedOut, "is not resolved in time".to_owned())),
    };
    Err((Reach::NotResolved, format!("cannot be resolved: {why}")))
}

/// One address after the other, each for its share of the time that is left: one that swallows
/// everything does not hide the next.
async fn connect(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Failed> {
    let mut failed = (Reach::NotResolved, "has no address".to_owned());
    for (address, still) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(still).unwrap_or(u32::MAX);
        failed = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => not_connected(&error),
            Err(_) => (Reach::TimedOut, "does not answer".to_owned()),
        };
    }
    Err(failed)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many more reasons")]
fn not_connected(error: &io::Error) -> Failed {
    match error.kind() {
        ErrorKind::ConnectionRefused => (Reach::Refused, "refuses connections".to_owned()),
        ErrorKind::TimedOut => (Reach::TimedOut, "does not answer".to_owned()),
        _ => (Reach::Unreachable, format!("cannot be reached: {error}")),
    }
}

impl Connection {
    /// Says that nothing more comes and takes what the other side has to say: to close over unread
    /// bytes is a reset, which servers log as an error.
    pub(super) async fn close(mut self, deadline: Instant) {
        let _ = self.0.shutdown().await;
        let read_out = async {
            let (mut bytes, mut total) = ([0; 4096], 0);
            while total < MAX_READ_OUT {
                match self.0.read(&mut bytes).await {
                    Ok(0) | Err(_) => return,
                    Ok(read) => total += read,
                }
            }
        };
        let _ = timeout_at(deadline.min(Instant::now() + LINGER), read_out).await;
    }
}
