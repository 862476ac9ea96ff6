//! Every path of the API, with its methods: what is routed by, and what is documented.

/// What a method of a path does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Tells something.
    Read(Read),
    /// Tells what changes as it changes.
    Live,
    /// Tells who asks.
    Session,
    /// Has something done.
    Write(Write),
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Clusters,
    Cluster,
    Connectors,
    ConnectorsOfCluster,
    Connector,
    Tasks,
    Failures,
    Workers,
    History,
    Plan,
    Audit,
    Silences,
    KillSwitch,
    Document,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    Restart,
    RestartTask,
    Pause,
    Resume,
    Stop,
    Acknowledge,
    AcknowledgeTask,
    Silence,
    Unsilence,
    TurnKillSwitch,
}

/// A path behind `/api/v1`, with `{...}` for what is named, and its methods.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) path: &'static str,
    pub(super) methods: &'static [(&'static str, Endpoint)],
}

macro_rules! resources {
    ($($path:literal: $($method:ident $kind:ident $(($of:ident))?),+;)+) => {
        pub(super) static RESOURCES: &[Resource] = &[$(Resource {
            path: $path,
            methods: &[$((stringify!($method), Endpoint::$kind $(($kind::$of))?)),+],
        }),+];
    };
}

resources! {
    "/clusters": GET Read(Clusters);
    "/clusters/{cluster}": GET Read(Cluster);
    "/clusters/{cluster}/connectors": GET Read(ConnectorsOfCluster);
    "/clusters/{cluster}/connectors/{connector}": GET Read(Connector);
    "/clusters/{cluster}/connectors/{connector}/restart": POST Write(Restart);
    "/clusters/{cluster}/connectors/{connector}/pause": POST Write(Pause);
    "/clusters/{cluster}/connectors/{connector}/resume": POST Write(Resume);
    "/clusters/{cluster}/connectors/{connector}/stop": POST Write(Stop);
    "/clusters/{cluster}/connectors/{connector}/acknowledge": POST Write(Acknowledge);
    "/clusters/{cluster}/connectors/{connector}/tasks/{task}/restart": POST Write(RestartTask);
    "/clusters/{cluster}/connectors/{connector}/tasks/{task}/acknowledge": POST Write(AcknowledgeTask);
    "/connectors": GET Read(Connectors);
    "/tasks": GET Read(Tasks);
    "/failures": GET Read(Failures);
    "/workers": GET Read(Workers);
    "/history": GET Read(History);
    "/plan": GET Read(Plan);
    "/audit": GET Read(Audit);
    "/silences": GET Read(Silences), POST Write(Silence);
    "/silences/{id}": DELETE Write(Unsilence);
    "/kill-switch": GET Read(KillSwitch), PUT Write(TurnKillSwitch);
    "/live": GET Live;
    "/session": GET Session;
    "/openapi.json": GET Read(Document);
}

impl Resource {
    /// The resource of a path, decoded, and what stands in place of its `{...}`.
    pub(super) fn find(path: &[&str]) -> Option<(&'static Self, Vec<String>)> {
        RESOURCES.iter().find_map(|resource| Some((resource, resource.names(path)?)))
    }

    fn names(&self, path: &[&str]) -> Option<Vec<String>> {
        let parts = self.path.split('/').skip(1);
        if parts.clone().count() != path.len() {
            return None;
        }
        let mut names = Vec::new();
        for (part, given) in parts.zip(path) {
            if part.starts_with('{') && !given.is_empty() {
                names.push((*given).to_owned());
            } else if part != *given {
                return None;
            }
        }
        Some(names)
    }

    /// What this method does; HEAD is GET without a body.
    pub(super) fn endpoint(&self, method: &str) -> Option<Endpoint> {
        let method = if method == "HEAD" { "GET" } else { method };
        self.methods.iter().find(|(of, _)| *of == method).map(|(_, endpoint)| *endpoint)
    }

    /// For `Allow`.
    pub(super) fn allowed(&self) -> String {
        let words = self.methods.iter().flat_map(|(method, _)| match *method {
            "GET" => vec!["GET", "HEAD"],
            other => vec![other],
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_resource() {
        let find = |path: &[&str], method| {
            let (resource, names) = Resource::find(path)?;
            Some((resource.endpoint(method)?, names))
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            find(&["clusters", "a", "connectors", "b/c"], "HEAD"),
            Some((Endpoint::Read(Read::Connector), names(&["a", "b/c"])))
        );
        assert_eq!(
            find(&["clusters", "a", "connectors", "b", "tasks", "0", "restart"], "POST"),
            Some((Endpoint::Write(Write::RestartTask), names(&["a", "b", "0"])))
        );
        assert_eq!(find(&["clusters", ""], "GET"), None, "nothing has an empty name");
        assert_eq!(find(&["clusters"], "POST"), None);
        assert_eq!(Resource::find(&["silences"]).unwrap().0.allowed(), "GET, HEAD, POST");
        for resource in RESOURCES {
            let path: Vec<_> = resource.path.split('/').skip(1).collect();
            assert!(std::ptr::eq(Resource::find(&path).unwrap().0, resource), "{resource:?}");
        }
    }
}
