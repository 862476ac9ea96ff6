//! Who looks at a page, as far as the page cares.

/// Who looks; by default somebody who may change nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Viewer {
    /// Empty: not known by name.
    pub(in crate::web) name: String,
    /// Whether they may change things.
    pub(in crate::web) is_administrator: bool,
    /// Goes into the form that changes something; such a form works once.
    pub(in crate::web) token: Option<String>,
}
