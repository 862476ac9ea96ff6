//! What a request needs: the one table of all routes.

use hyper::Method;

/// What somebody needs to be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// For machines that watch: `anonymous: metrics` opens it.
    Watching,
    /// To see everything: `anonymous: read` opens it.
    Reading,
    /// To be known, whatever is open.
    Login,
    /// To change things.
    Administrator,
}

/// The methods of a route that is only read.
const READ: &str = "GET, HEAD";

/// The need, or the methods that the route has. A path that is written in another way than here, such
/// as with `%2D`, is one of the others and needs as much or more.
pub(super) fn needs(method: &Method, path: &str, metrics: &str) -> Result<Need, &'static str> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let read_only = |need| if reads { Ok(need) } else { Err(READ) };
    match path {
        _ if path == metrics => read_only(Need::Watching),
        "/-/healthy" | "/-/ready" => read_only(Need::Watching),
        _ if is_health(path) => read_only(Need::Watching),
        "/login" => read_only(Need::Login),
        "/" | "/api/v1/plan" | "/api/v1/audit" | "/api/v1/session" => read_only(Need::Reading),
        _ if reads => Ok(Need::Reading),
        _ => Ok(Need::Administrator),
    }
}

/// What is below `/health/` beside these is a page that is not there.
fn is_health(path: &str) -> bool {
    let path: Vec<&str> = path.split('/').collect();
    matches!(path[..], ["", "health", _] | ["", "health", _, "worker", _])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_in_the_table_needs_an_administrator_to_change_it() {
        for (method, path, wanted) in [
            (Method::GET, "/metrics", Ok(Need::Watching)),
            (Method::HEAD, "/metrics", Ok(Need::Watching)),
            (Method::POST, "/metrics", Err(READ)),
            (Method::GET, "/metrics/", Ok(Need::Reading)),
            (Method::GET, "/-/ready", Ok(Need::Watching)),
            (Method::GET, "/%2D/ready", Ok(Need::Reading)),
            (Method::GET, "//-/ready", Ok(Need::Reading)),
            (Method::GET, "/health/a%2Fb/worker/c", Ok(Need::Watching)),
            (Method::DELETE, "/health/a", Err(READ)),
            (Method::GET, "/health/a/b/c", Ok(Need::Reading)),
            (Method::GET, "/healthy", Ok(Need::Reading)),
            (Method::GET, "/login", Ok(Need::Login)),
            (Method::GET, "/anything", Ok(Need::Reading)),
            (Method::POST, "/anything", Ok(Need::Administrator)),
            (Method::DELETE, "/api/v1/anything", Ok(Need::Administrator)),
            (Method::OPTIONS, "/api/v1/anything", Ok(Need::Administrator)),
            (Method::from_bytes(b"QUERY").unwrap(), "/x", Ok(Need::Administrator)),
        ] {
            assert_eq!(needs(&method, path, "/metrics"), wanted, "{method} {path}");
        }
    }
}
