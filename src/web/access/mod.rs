//! Who comes in, and who may do what.
//!
//! In go the web configuration file, as Prometheus' exporter-toolkit has it, and the names of the
//! administrators; out comes, for each request, a [`Visitor`] or a refusal. Without a web
//! configuration everybody is an anonymous reader, and nothing can be changed.

mod bucket;
mod credentials;
mod cross_site;
mod file;
mod forms;
mod gate;
mod headers;
mod loaded;
mod needs;
mod passwords;
mod problem;
mod rate;
mod refusal;
mod reload;
mod roles;
mod throttle;
mod tls;
mod tokens;
mod users;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;

use crate::config::AccessSettings;

use loaded::Loaded;
use passwords::Passwords;
use reload::Seen;
use roles::Roles;

pub use forms::FORM_TOKEN;
pub use problem::AccessError;
pub use roles::{Role, Visitor};
pub use tokens::{TokenError, Tokens};

pub(super) use gate::Caller;
pub(super) use refusal::Refusal;
pub(super) use tls::Names;

/// What is in force.
#[derive(Debug)]
pub struct Access {
    path: Option<PathBuf>,
    roles: Roles,
    trusted_origins: Vec<String>,
    passwords: Passwords,
    tokens: Tokens,
    loaded: RwLock<Arc<Loaded>>,
    seen: Mutex<Seen>,
}

impl Access {
    /// Reads the web configuration and all that it names; also gives what is odd about it and not
    /// wrong. `trusted_origins` are those that this server is reached by besides its own address,
    /// such as `https://ops.example`.
    pub fn load(
        settings: &AccessSettings,
        trusted_origins: Vec<String>,
    ) -> Result<(Self, Vec<String>), AccessError> {
        let path = settings.config_file.clone();
        // Before they are read: what changes meanwhile differs at the first look.
        let seen = path.as_deref().map(Seen::now).unwrap_or_default();
        let (loaded, odd) = match &path {
            Some(path) => Loaded::read(path)?,
            None => (Loaded::default(), Vec::new()),
        };
        Roles::check(settings, &loaded)?;
        let no_random = || AccessError {
            place: "this system".to_owned(),
            problem: "gives no random numbers, without which nobody can log in".to_owned(),
        };
        let access = Self {
            path,
            roles: Roles::new(settings),
            trusted_origins,
            passwords: Passwords::new().ok_or_else(no_random)?,
            tokens: Tokens::new().ok_or_else(no_random)?,
            loaded: RwLock::new(Arc::new(loaded)),
            seen: Mutex::new(seen),
        };
        Ok((access, odd))
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.loaded().tls.is_some() { "https" } else { "http" }
    }

    /// The tokens of forms.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Whether there are users with passwords, so that `/login` is of use.
    pub fn can_log_in(&self) -> bool {
        !self.loaded().users.is_empty()
    }

    /// What it comes to, in a line.
    pub fn describe(&self) -> String {
        let loaded = self.loaded();
        let users: Vec<&str> = loaded.users.names().collect();
        let list = |names: Vec<&str>| match names.len() {
            0 => "nobody".to_owned(),
            _ => names.join(", "),
        };
        format!(
            "web: {}; users: {}; administrators: {}; open to everybody: {}",
            self.scheme(),
            list(users),
            list(self.roles.administrators().collect()),
            self.roles.open(&loaded).as_str()
        )
    }

    /// How TLS is spoken with whoever comes now; `None`: it is not.
    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.loaded().tls.as_ref().map(|tls| Arc::clone(&tls.config))
    }
}
