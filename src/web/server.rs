//! Listens, bounds what a client can cost, drains.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::WebSettings;

use super::connection::Connection;
use super::guests::Guests;
use super::routes::App;

/// What is under way when the process is told to stop has this long.
const DRAIN: Duration = Duration::from_secs(10);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {reason}; choose another with --web.listen-address")]
pub struct BindError {
    address: SocketAddr,
    reason: std::io::Error,
}

/// Bound, not yet answering.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    guests: Arc<Guests>,
}

impl Server {
    /// Binds every address, or none.
    pub async fn bind(settings: &WebSettings) -> Result<Self, BindError> {
        let mut listeners = Vec::new();
        for address in &settings.listen {
            let listener = listen(*address).await;
            listeners.push(listener.map_err(|reason| BindError { address: *address, reason })?);
        }
        Ok(Self { listeners, guests: Arc::new(Guests::new(settings.max_connections)) })
    }

    /// Where it listens, with the ports that were chosen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Answers until `stop`, then gives what is under way ten seconds.
    pub async fn run(self, app: Arc<App>, stop: CancellationToken) {
        let graceful = GracefulShutdown::new();
        let accepting = self
            .listeners
            .iter()
            .map(|listener| accept(listener, &self.guests, &app, &graceful, &stop));
        tokio::select! {
            () = stop.cancelled() => {}
            _ = futures_util::future::join_all(accepting) => {}
            () = Arc::clone(app.access()).watch(stop.clone()) => {}
        }
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("connections were still open after {DRAIN:?} and are cut off");
        }
    }
}

/// `[::]` stands for every address; a host without IPv6 has only `0.0.0.0`.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error)
            if address.ip() == Ipv6Addr::UNSPECIFIED
                && error.kind() != std::io::ErrorKind::AddrInUse =>
        {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

async fn accept(
    listener: &TcpListener,
    guests: &Arc<Guests>,
    app: &Arc<App>,
    graceful: &GracefulShutdown,
    stop: &CancellationToken,
) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let (app, watcher) = (Arc::clone(app), graceful.watcher());
                let connection = Connection { stream, from, app, watcher, stop: stop.clone() };
                connection.serve(Arc::clone(guests).enter());
            }
            // Out of descriptors, most likely: wait for some to be free.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
