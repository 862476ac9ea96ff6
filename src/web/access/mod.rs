//! Who comes in, and who may do what.
//!
//! In go the web configuration file, as Prometheus' exporter-toolkit has it, and the names of the
//! administrators; out comes, for each request, a [`Visitor`] or a refusal. Without a web
//! configuration everybody is an anonymous reader, and nothing can be changed.

mod file;
mod headers;
mod loaded;
mod problem;
mod rate;
mod roles;
mod tls;
mod users;

use std::sync::Arc;

use crate::config::AccessSettings;

use loaded::Loaded;
use roles::Roles;

pub use problem::AccessError;
pub use roles::{Role, Visitor};

/// What is in force.
#[derive(Debug)]
pub struct Access {
    roles: Roles,
    loaded: Arc<Loaded>,
}

impl Access {
    /// Reads the web configuration and all that it names; also gives what is odd about it and not
    /// wrong.
    pub fn load(settings: &AccessSettings) -> Result<(Self, Vec<String>), AccessError> {
        let (loaded, odd) = match &settings.config_file {
            Some(path) => Loaded::read(path)?,
            None => (Loaded::default(), Vec::new()),
        };
        Roles::check(settings, &loaded)?;
        Ok((Self { roles: Roles::new(settings), loaded: Arc::new(loaded) }, odd))
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.loaded.tls.is_some() { "https" } else { "http" }
    }
}
