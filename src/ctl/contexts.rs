//! `config`: the contexts file.

use std::io::Write;

use serde_json::json;

use crate::config::{Contexts, NewContext};

use super::failure::Failure;
use super::flags::{ContextVerb, Global, SetContextFlags};
use super::show::{Screen, View, plain};

/// Does it; no cluster is asked.
pub(super) fn run(
    what: &ContextVerb,
    global: &Global,
    mut screen: Screen<impl Write>,
) -> Result<(), Failure> {
    let path = Contexts::place();
    let contexts = Contexts::read(&path)?;
    match what {
        ContextVerb::GetContexts => {
            let mut view = View::new(&["CURRENT", "NAME", "URLS"], "there is no context");
            for (name, urls) in contexts.all() {
                let current = contexts.current() == Some(name);
                let urls = urls.join(",");
                let urls = crate::watchdog::audit::redact(&urls);
                let mark = if current { "*" } else { " " };
                view.row(
                    format!("context/{name}"),
                    vec![mark.into(), name.into(), (&*urls).into()],
                    json!({"name": name, "urls": urls.split(',').collect::<Vec<_>>(), "current": current}),
                );
            }
            screen.view(&view)
        }
        ContextVerb::CurrentContext => match contexts.current() {
            Some(name) => screen.line(&plain(name)),
            None => Err(Failure::failed(format!(
                "{} has no current context; `ctl config use-context NAME` chooses one",
                path.display()
            ))),
        },
        ContextVerb::UseContext { name } => {
            contexts.choose(name)?;
            screen.line(&format!("context {} is the current one", plain(name)))
        }
        ContextVerb::SetContext(flags) => {
            contexts.set(&flags.name, &new(flags, global)?)?;
            screen.line(&format!("context {} is in {}", plain(&flags.name), path.display()))
        }
        ContextVerb::DeleteContext { name } => {
            contexts.remove(name)?;
            screen.line(&format!("context {} is gone", plain(name)))
        }
    }
}

fn new(flags: &SetContextFlags, global: &Global) -> Result<NewContext, Failure> {
    if global.urls.is_empty() {
        return Err(Failure::usage("set-context needs --connect.url=http://HOST:8083"));
    }
    let from = |file: &Option<String>, env: &Option<String>| match (file, env) {
        (Some(file), None) => Ok(Some(("file", file.clone()))),
        (None, Some(variable)) => Ok(Some(("env", variable.clone()))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(Failure::usage("a secret is in a file or in a variable, not in both"))
        }
    };
    let password = from(&flags.password_file, &flags.password_env)?;
    let basic_auth = match (&flags.username, password) {
        (Some(user), Some((kind, place))) => Some((user.clone(), kind, place)),
        (Some(_), None) => {
            return Err(Failure::usage("--username needs --password.file or --password.env"));
        }
        (None, _) => None,
    };
    let bearer_token = from(&flags.token_file, &flags.token_env)?;
    if basic_auth.is_some() && bearer_token.is_some() {
        return Err(Failure::usage("give one of --username and --bearer-token"));
    }
    if flags.key_file.is_some() && flags.cert_file.is_none() {
        return Err(Failure::usage("--tls.key-file needs --tls.cert-file"));
    }
    let tls = [
        ("ca_file", &flags.ca_file),
        ("cert_file", &flags.cert_file),
        ("key_file", &flags.key_file),
    ];
    let tls = tls.into_iter().filter_map(|(key, file)| Some((key, file.clone()?))).collect();
    Ok(NewContext { urls: global.urls.clone(), basic_auth, bearer_token, tls })
}
