//! Long lists come in pages: sorted, a bounded number at once, and the next page begins behind what
//! was told last, however the list changed meanwhile.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parameter::{Kind, Parameter, Query};
use super::problem::Problem;

/// So many come where nothing is said.
const USUAL: u64 = 100;
/// So many come at most.
const MOST: u64 = 1000;

pub(super) static LIMIT: Parameter = Parameter {
    name: "limit",
    says: "How many come at most; 100 where nothing is said.",
    kind: Kind::Limit(MOST),
};
pub(super) static CURSOR: Parameter = Parameter {
    name: "cursor",
    says: "What `next` of the page before said, with the same `sort`.",
    kind: Kind::Text,
};

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// What was asked for, in order.
    pub items: Vec<T>,
    /// How many there are in all pages.
    pub total: usize,
    /// Give it as `cursor` for the next page; null: this is the last.
    pub next: Option<String>,
}

/// What is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Key {
    Number(u64),
    Text(Arc<str>),
}

/// Cluster, name, task: tells one item from every other.
pub(super) type Identity = (Arc<str>, Arc<str>, Option<u32>);

/// An item with what it is sorted by.
#[derive(Debug)]
pub(super) struct Item<T> {
    pub(super) key: Key,
    pub(super) identity: Identity,
    pub(super) value: T,
}

/// Where a page ended.
#[derive(Deserialize, Serialize)]
struct Place {
    sort: String,
    descending: bool,
    key: Key,
    identity: Identity,
}

/// `usual` is the order where none is asked for.
pub(super) fn page<T>(
    mut items: Vec<Item<T>>,
    query: &Query,
    usual: (&'static str, bool),
) -> Result<Page<T>, Problem> {
    let (sort, descending) = query.sort().unwrap_or(usual);
    let compare = |key: &Key, identity: &Identity, other_key: &Key, other: &Identity| {
        let by_key = key.cmp(other_key);
        let by_key = if descending { by_key.reverse() } else { by_key };
        by_key.then_with(|| identity.cmp(other))
    };
    items.sort_unstable_by(|a, b| compare(&a.key, &a.identity, &b.key, &b.identity));
    let total = items.len();
    let behind = match query.text(CURSOR.name) {
        None => 0,
        Some(cursor) => {
            let place = Place::read(cursor)
                .filter(|place| place.sort == sort && place.descending == descending)
                .ok_or_else(|| {
                    let said = "cursor: not what `next` of a page with this `sort` said; leave it \
                                out for the first page";
                    Problem::parameter(CURSOR.name, said)
                })?;
            items.partition_point(|item| {
                compare(&item.key, &item.identity, &place.key, &place.identity) != Ordering::Greater
            })
        }
    };
    let limit = usize::try_from(query.number(LIMIT.name).unwrap_or(USUAL)).unwrap_or(usize::MAX);
    let more = total.saturating_sub(behind) > limit;
    let shown: Vec<_> = items.into_iter().skip(behind).take(limit).collect();
    let next = shown.last().filter(|_| more).map(|last| {
        let (key, identity) = (last.key.clone(), last.identity.clone());
        Place { sort: sort.to_owned(), descending, key, identity }.written()
    });
    Ok(Page { items: shown.into_iter().map(|item| item.value).collect(), total, next })
}

impl Place {
    /// Hexadecimal: it goes into a query as it is.
    fn written(&self) -> String {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn read(cursor: &str) -> Option<Self> {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let (pairs, []) = cursor.as_bytes().as_chunks::<2>() else { return None };
        let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        serde_json::from_slice(&bytes?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SORT: Parameter =
        Parameter { name: "sort", says: "", kind: Kind::Sort(&["size", "name"]) };

    fn items(names: &[&str]) -> Vec<Item<String>> {
        let item = |name: &&str| Item {
            key: Key::Number(name.len() as u64),
            identity: ("c".into(), (*name).into(), None),
            value: (*name).to_owned(),
        };
        names.iter().map(item).collect()
    }

    fn ask(names: &[&str], query: &str) -> Result<Page<String>, Problem> {
        let query = Query::read(query, &[&SORT, &LIMIT, &CURSOR], &[]).unwrap();
        page(items(names), &query, ("size", false))
    }

    #[test]
    fn each_item_comes_once_however_the_list_changes_between_the_pages() {
        let all = ["ccc", "b", "a", "dddd", "aaa"];
        let first = ask(&all, "limit=2").unwrap();
        assert_eq!((first.items, first.total), (vec!["a".to_owned(), "b".to_owned()], 5));
        let next = format!("limit=2&cursor={}", first.next.unwrap());
        let changed = ["0", "aaa", "b", "bb", "ccc", "dddd"];
        let second = ask(&changed, &next).unwrap();
        assert_eq!(second.items, ["bb", "aaa"], "what came before it meanwhile is not told");
        let last = ask(&all, &format!("limit=2&cursor={}", second.next.unwrap())).unwrap();
        assert_eq!((last.items, last.next), (vec!["ccc".to_owned(), "dddd".to_owned()], None));
        let backwards = ask(&all, "sort=-size&limit=3").unwrap();
        assert_eq!(backwards.items, ["dddd", "aaa", "ccc"], "names go forwards all the same");
        let rest = ask(&all, &format!("sort=-size&cursor={}", backwards.next.unwrap())).unwrap();
        assert_eq!((rest.items, rest.next), (vec!["a".to_owned(), "b".to_owned()], None));
    }

    #[test]
    fn a_cursor_that_was_not_given_is_refused() {
        let other = ask(&["a", "b"], "limit=1").unwrap().next.unwrap();
        for query in [
            "cursor=",
            "cursor=xyz",
            "cursor=7b7d",
            "cursor=0",
            &format!("sort=-size&cursor={other}"),
        ] {
            let problem = ask(&["a", "b"], query).unwrap_err();
            assert_eq!(problem.parameter.as_deref(), Some("cursor"), "{query}");
        }
    }
}
