//! The page at `/`: where to go, and each cluster in a line.

use std::fmt::Write as _;
use std::sync::Arc;

use hyper::{Request, StatusCode};

use crate::connect::model::State;
use crate::observe::view::ClusterView;

use super::routes::{Answer, App, reply, text};

/// `path` is decoded.
pub(super) fn answer<B>(app: &App, _request: &Request<B>, path: &[&str]) -> Answer {
    match path {
        [""] => {
            let html = overview(&app.exporter.views(), app.telemetry_path());
            reply(StatusCode::OK, "text/html; charset=utf-8", html)
        }
        _ => text(StatusCode::NOT_FOUND, "not here; / has the list of what is\n"),
    }
}

fn overview(views: &[Arc<ClusterView>], telemetry_path: &str) -> String {
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>connect-warden</title>\
         </head><body><h1>connect-warden</h1>\n<ul>\n",
    );
    for path in [telemetry_path, "/api/v1/plan", "/-/healthy", "/-/ready"] {
        let path = escape(path);
        let _ = writeln!(html, "<li><a href=\"{path}\">{path}</a></li>");
    }
    html.push_str(
        "</ul>\n<table>\n<tr><th>cluster</th><th>up</th><th>fresh</th><th>connectors</th>\
         <th>tasks failed</th><th>last trouble</th></tr>\n",
    );
    for view in views {
        let word = |known: Option<bool>| match known {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known yet",
        };
        let (connectors, failed) = view.snapshot.as_ref().map_or((0, 0), |snapshot| {
            let tasks = snapshot.connectors.iter().flat_map(|connector| &connector.tasks);
            let failed = tasks.filter(|task| task.instance.state == State::Failed).count();
            (snapshot.connectors.len(), failed)
        });
        let poll = view.poll.failure.as_ref().map(|(_, message)| message.as_str());
        let trouble = poll.or(view.not_fresh_because.as_deref()).unwrap_or_default();
        let href = percent_encoding::utf8_percent_encode(
            &view.cluster,
            percent_encoding::NON_ALPHANUMERIC,
        );
        let _ = writeln!(
            html,
            "<tr><td><a href=\"/health/{href}\">{}</a></td><td>{}</td><td>{}</td>\
             <td>{connectors}</td><td>{failed}</td><td>{}</td></tr>",
            escape(&view.cluster),
            word(view.poll.up),
            word(view.fresh),
            escape(trouble),
        );
    }
    html.push_str("</table>\n</body></html>\n");
    html
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(escape("<script>\"&'"), "&lt;script&gt;&quot;&amp;&#39;");
    }
}
