//! Where this process's pages are, as requests and as links name it.
//!
//! As Prometheus has it: `--web.external-url` is the URL by which people reach it, and links begin
//! with that URL's path; `--web.route-prefix` is the path that requests arrive under, which is the
//! same where nothing between takes it away.

use hyper::Uri;

use crate::connect::name::encode;

/// Both paths; each empty, or with a slash before and none after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paths {
    links: String,
    routes: String,
}

impl Paths {
    /// From the path of the external URL, and the route prefix.
    pub(super) fn new(links: &str, routes: &str) -> Self {
        let trimmed = |path: &str| match path.trim_matches('/') {
            "" => String::new(),
            path => format!("/{path}"),
        };
        Self { links: trimmed(links), routes: trimmed(routes) }
    }

    /// The rest of a request's path behind the route prefix, with its slash; `None`: it is not
    /// under that.
    pub(super) fn within<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.routes).filter(|rest| rest.starts_with('/'))
    }

    /// A request's URI without the route prefix; `None`: it is not under that.
    pub(super) fn stripped(&self, uri: &Uri) -> Option<Uri> {
        if self.routes.is_empty() {
            return Some(uri.clone());
        }
        let rest = self.within(uri.path())?;
        let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
        Uri::builder().path_and_query(format!("{rest}{query}")).build().ok()
    }

    /// A link to a path that begins with a slash.
    pub(super) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.links)
    }

    /// A link to a cluster's page, such as `workers`.
    pub(super) fn cluster(&self, cluster: &str, page: &str) -> String {
        match as_segment(cluster) {
            Some(cluster) => format!("{}/clusters/{cluster}/{page}", self.links),
            None => format!("{}/{page}?cluster={}", self.links, encode(cluster)),
        }
    }

    /// A link to a connector's page.
    pub(super) fn connector(&self, cluster: &str, connector: &str) -> String {
        match (as_segment(cluster), as_segment(connector)) {
            (Some(cluster), Some(connector)) => {
                format!("{}/clusters/{cluster}/connectors/{connector}", self.links)
            }
            (Some(_), None) | (None, _) => {
                let (cluster, connector) = (encode(cluster), encode(connector));
                format!("{}/connector?cluster={cluster}&name={connector}", self.links)
            }
        }
    }
}

/// Browsers and proxies take `.` and `..` out of paths, however they are encoded.
fn as_segment(name: &str) -> Option<String> {
    (!matches!(name, "" | "." | "..")).then(|| encode(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_requests_each_have_their_prefix() {
        let paths = Paths::new("/warden/", "/");
        assert_eq!(paths.to("/watchdog"), "/warden/watchdog");
        assert_eq!(paths.within("/watchdog"), Some("/watchdog"));
        let stripped = |text: &str| {
            let uri = text.parse().unwrap();
            Paths::new("/a", "/a").stripped(&uri).map(|uri| uri.to_string())
        };
        assert_eq!(stripped("/a/x%2Fy?z=1").as_deref(), Some("/x%2Fy?z=1"));
        assert_eq!((stripped("/a/").as_deref(), stripped("/b")), (Some("/"), None));
        let same = Paths::new("a/b", "a/b");
        assert_eq!(same.within("/a/b/x"), Some("/x"));
        assert_eq!(
            (same.within("/a/bc"), same.within("/a/b"), same.within("/")),
            (None, None, None)
        );
    }

    #[test]
    fn any_name_has_a_link_that_no_browser_shortens() {
        let paths = Paths::default();
        assert_eq!(paths.connector("c", "a/b c"), "/clusters/c/connectors/a%2Fb%20c");
        assert_eq!(paths.connector("c", ".."), "/connector?cluster=c&name=..");
        assert_eq!(paths.connector("c", "..."), "/clusters/c/connectors/...");
        assert_eq!(paths.cluster(".", "workers"), "/workers?cluster=.");
    }
}
