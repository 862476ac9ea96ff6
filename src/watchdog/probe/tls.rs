//! Whether the other side of a connection speaks TLS.
//!
//! Certificates are not checked. Nothing is sent that a stranger may not have, and a certificate that
//! is refused, or an alert of the other side, would show as well as a whole handshake that the
//! dependency is back; whether it is trusted is between it and the connectors, who have certificate
//! stores of their own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;

/// Shakes hands over connections that were made.
#[derive(Debug)]
pub(super) struct Handshaker(Arc<ClientConfig>);

impl Handshaker {
    #[expect(clippy::expect_used, reason = "the provider is a constant, and tested")]
    pub(super) fn new() -> Self {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Anyone(Arc::clone(&provider)));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has what TLS 1.2 and 1.3 need")
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// Returns once the handshake is over, or the other side has shown that it speaks TLS; else
    /// what there is to say of it.
    pub(super) async fn shake_hands(&self, stream: &TcpStream, host: &str) -> Result<(), String> {
        let peer = || stream.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
        // A name that cannot be in a certificate is not told to the other side.
        let name = ServerName::try_from(host.to_owned())
            .unwrap_or_else(|_| ServerName::IpAddress(IpAddr::into(peer())));
        let mut tls = ClientConnection::new(Arc::clone(&self.0), name)
            .map_err(|error| format!("cannot be asked for TLS: {error}"))?;
        match exchange(&mut tls, stream).await {
            Ok(()) => {
                tls.send_close_notify();
                let _ = send(&mut tls, stream).await;
                Ok(())
            }
            Err(Broken::Tls(error)) if is_of_tls(&error) => Ok(()),
            Err(Broken::Tls(error)) => Err(format!("does not speak TLS: {error}")),
            Err(Broken::Io(error)) => Err(format!("breaks off the TLS handshake: {error}")),
        }
    }
}

enum Broken {
    Tls(Error),
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn exchange(tls: &mut ClientConnection, stream: &TcpStream) -> Result<(), Broken> {
    loop {
        send(tls, stream).await?;
        if !tls.is_handshaking() {
            return Ok(());
        }
        stream.readable().await?;
        match tls.read_tls(&mut NoWait(stream)) {
            Ok(0) => return Err(Broken::Io(ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(Broken::Io(error)),
        }
        if let Err(error) = tls.process_new_packets() {
            // The other side is told what was wrong.
            let _ = send(tls, stream).await;
            return Err(Broken::Tls(error));
        }
    }
}

async fn send(tls: &mut ClientConnection, stream: &TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(&mut NoWait(stream)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether only something that speaks TLS can bring this about.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others show nothing")]
fn is_of_tls(error: &Error) -> bool {
    match error {
        // Any alert: some servers say "internal error" to a name that they do not serve.
        Error::AlertReceived(_)
        | Error::InvalidCertificate(_)
        | Error::NoCertificatesPresented
        | Error::PeerIncompatible(_)
        | Error::PeerMisbehaved(_) => true,
        _ => false,
    }
}

/// A connection for the readers and writers of rustls; says `WouldBlock` in place of waiting.
struct NoWait<'s>(&'s TcpStream);

impl Read for NoWait<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(bytes)
    }
}

impl Write for NoWait<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes any certificate.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
