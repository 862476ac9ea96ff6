//! From a request to its visitor, or a refusal.

use std::net::IpAddr;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::http::request::Parts;
use tokio::time::Instant;

use crate::config::Anonymous;

use super::super::routes::Answer;
use super::Access;
use super::credentials::credentials;
use super::cross_site::same_site;
use super::forms;
use super::loaded::Loaded;
use super::needs::{Need, needs};
use super::passwords::Verdict;
use super::refusal::Refusal;
use super::roles::{Role, Visitor};
use super::tls::Names;

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(in crate::web) struct Caller {
    pub(in crate::web) address: IpAddr,
    /// The names in the certificate that was shown.
    pub(in crate::web) names: Option<Names>,
}

impl Access {
    /// Who asks, where they may ask that; `metrics` is the path of the metrics. Reads no body.
    pub(in crate::web) async fn admit(
        &self,
        head: &Parts,
        caller: &Caller,
        metrics: &str,
    ) -> Result<Visitor, Refusal> {
        let loaded = self.loaded();
        if let Some(rate) = &loaded.rate {
            let later = |wait| Refusal::later("more requests than rate_limit lets through", wait);
            rate.take(Instant::now()).map_err(later)?;
        }
        let need = needs(&head.method, head.uri.path(), metrics).map_err(Refusal::method)?;
        same_site(head, &self.trusted_origins)?;
        let visitor = self.visitor(&loaded, head, caller).await?;
        self.may(&loaded, &visitor, need)?;
        Ok(visitor)
    }

    /// Takes the token of a body that a form has sent.
    pub(in crate::web) fn redeem(
        &self,
        visitor: &Visitor,
        head: &Parts,
        body: &Bytes,
    ) -> Result<(), Refusal> {
        forms::redeem(&self.tokens, visitor, head, body)
    }

    /// Adds the headers of the web configuration, in place of ours where both have one.
    pub(in crate::web) fn dress(&self, answer: &mut Answer) {
        for (name, value) in &self.loaded().headers {
            answer.headers_mut().insert(name, value.clone());
        }
    }

    async fn visitor(
        &self,
        loaded: &Loaded,
        head: &Parts,
        caller: &Caller,
    ) -> Result<Visitor, Refusal> {
        let credentials = credentials(&head.headers).filter(|_| !loaded.users.is_empty());
        if let Some((name, password)) = credentials {
            let check = self.passwords.check(&loaded.users, (&name, &password), caller.address);
            return match check.await {
                Verdict::Right(name) => Ok(self.roles.user(&name)),
                Verdict::Wrong => Err(Refusal::login("the user or the password is wrong")),
                Verdict::Later(wait) => Err(Refusal::later("too many wrong passwords", wait)),
            };
        }
        let known = loaded.tls.as_ref().is_some_and(|tls| tls.clients_are_known);
        let names = caller.names.as_ref().filter(|_| known);
        let visitor = names.and_then(|names| self.roles.certificate(names, loaded));
        Ok(visitor.unwrap_or_else(Visitor::anonymous))
    }

    fn may(&self, loaded: &Loaded, visitor: &Visitor, need: Need) -> Result<(), Refusal> {
        let open = self.roles.open(loaded);
        let may = match need {
            Need::Watching => visitor.role >= Role::Reader || open >= Anonymous::Metrics,
            Need::Reading => visitor.role >= Role::Reader || open >= Anonymous::Read,
            Need::Login => visitor.role >= Role::Reader,
            Need::Administrator => visitor.role == Role::Administrator,
        };
        if may {
            return Ok(());
        }
        let forbidden = |detail: String| Err(Refusal::new(StatusCode::FORBIDDEN, detail));
        match (visitor.role, need) {
            (Role::Anonymous, _) if !loaded.users.is_empty() => {
                Err(Refusal::login("this needs a user and a password"))
            }
            (_, Need::Administrator) if !self.roles.has_administrators() => forbidden(
                "nothing can be changed here, since web.administrators names nobody".to_owned(),
            ),
            (Role::Anonymous, Need::Login) => {
                forbidden("nobody can log in here, since basic_auth_users names nobody".to_owned())
            }
            (Role::Anonymous, _) => forbidden("this needs a client certificate".to_owned()),
            (Role::Reader | Role::Administrator, _) => forbidden(format!(
                "this needs an administrator, and {} is none of web.administrators",
                visitor.name
            )),
        }
    }
}
