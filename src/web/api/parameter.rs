//! The parameters of queries: what each may be, in one table that is both read by and documented.

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;
use url::form_urlencoded;
use utoipa::openapi::path::{Parameter as Documented, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};

use crate::config::near;

use super::problem::Problem;

/// One parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) kind: Kind,
}

/// What may be given.
#[derive(Debug)]
pub(super) enum Kind {
    /// Anything.
    Text,
    /// The name of a watched cluster.
    Cluster,
    /// A regular expression of a whole name.
    Pattern,
    /// A number from 0 to this.
    Number(u64),
    /// How many, from 1 to this.
    Limit(u64),
    /// One or more of these, with commas between them, in any case of letters.
    Words(&'static [&'static str]),
    /// One of these, with a `-` before it for the other way round.
    Sort(&'static [&'static str]),
}

/// A query that was found to be right.
#[derive(Debug, Default)]
pub(super) struct Query {
    given: Vec<(&'static Parameter, Value)>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Pattern(Regex),
    Number(u64),
    Words(Vec<&'static str>),
    Sort(&'static str, bool),
}

impl Query {
    /// `query` is what stands behind the `?`.
    pub(super) fn read(
        query: &str,
        table: &[&'static Parameter],
        clusters: &[Arc<str>],
    ) -> Result<Self, Problem> {
        let mut given: Vec<(&'static Parameter, Value)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(parameter) = table.iter().find(|parameter| parameter.name == name) else {
                return Err(unknown(&name, table));
            };
            if given.iter().any(|(before, _)| before.name == name) {
                return Err(Problem::parameter(&name, format!("{name:?} is given twice"))
                    .choices(table.iter().map(|parameter| parameter.name)));
            }
            given.push((parameter, parameter.value(value, clusters)?));
        }
        Ok(Self { given })
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.given.iter().find(|(parameter, _)| parameter.name == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.find(name)? {
            Value::Text(text) => Some(text),
            Value::Pattern(_) | Value::Number(_) | Value::Words(_) | Value::Sort(..) => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.find(name)? {
            Value::Number(number) => Some(*number),
            Value::Text(_) | Value::Pattern(_) | Value::Words(_) | Value::Sort(..) => None,
        }
    }

    /// Whether the word is among those that are wanted; so it is where none is named.
    pub(super) fn wants(&self, name: &str, word: &str) -> bool {
        match self.find(name) {
            Some(Value::Words(words)) => words.contains(&word),
            Some(Value::Text(text)) => text == word,
            Some(Value::Pattern(pattern)) => pattern.is_match(word),
            Some(Value::Number(_) | Value::Sort(..)) | None => true,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// By what, and whether the other way round.
    pub(super) fn sort(&self) -> Option<(&'static str, bool)> {
        match self.find("sort")? {
            Value::Sort(by, descending) => Some((by, *descending)),
            Value::Text(_) | Value::Pattern(_) | Value::Number(_) | Value::Words(_) => None,
        }
    }
}

fn unknown(name: &str, table: &[&'static Parameter]) -> Problem {
    let names = || table.iter().map(|parameter| parameter.name);
    let meant = near(name, names(), 1);
    let hint = meant.first().map_or_else(String::new, |word| format!("; did you mean {word:?}?"));
    Problem::parameter(name, format!("no parameter {name:?}{hint}")).choices(names())
}

impl Parameter {
    fn value(&self, value: Cow<'_, str>, clusters: &[Arc<str>]) -> Result<Value, Problem> {
        let name = self.name;
        let wrong = |detail: String| Problem::parameter(name, detail);
        match &self.kind {
            Kind::Text => Ok(Value::Text(value.into_owned())),
            Kind::Cluster if clusters.iter().any(|cluster| **cluster == *value) => {
                Ok(Value::Text(value.into_owned()))
            }
            Kind::Cluster => {
                let known = clusters.iter().map(|cluster| &**cluster);
                let near = near(&value, known.clone(), 3).into_iter().map(str::to_owned).collect();
                let problem = wrong(format!("no cluster {value:?}")).choices(known);
                Err(Problem { near, ..problem })
            }
            Kind::Pattern => match crate::config::pattern_of_whole(&value) {
                Ok(pattern) => Ok(Value::Pattern(pattern)),
                Err(problem) => Err(wrong(format!("{name}: {problem}"))),
            },
            Kind::Number(most) => number(&value, 0, *most).map(Value::Number).ok_or_else(|| {
                wrong(format!("{name} {value:?} is not a number in range"))
                    .choices([format!("0 to {most}")])
            }),
            Kind::Limit(most) => number(&value, 1, *most).map(Value::Number).ok_or_else(|| {
                wrong(format!("{name} {value:?} is not a number in range"))
                    .choices([format!("1 to {most}")])
            }),
            Kind::Words(choices) => {
                let word = |word: &str| {
                    let same = |choice: &&&str| choice.eq_ignore_ascii_case(word.trim());
                    choices.iter().find(same).copied().ok_or_else(|| {
                        wrong(format!("{name}: no {:?}", word.trim()))
                            .choices(choices.iter().copied())
                    })
                };
                value.split(',').map(word).collect::<Result<_, _>>().map(Value::Words)
            }
            Kind::Sort(choices) => {
                let (word, descending) =
                    value.strip_prefix('-').map_or((&*value, false), |word| (word, true));
                let known = choices.iter().find(|choice| **choice == word);
                known.map(|by| Value::Sort(by, descending)).ok_or_else(|| {
                    let both = choices.iter().flat_map(|by| [(*by).to_owned(), format!("-{by}")]);
                    wrong(format!("{name}: no {value:?}")).choices(both)
                })
            }
        }
    }

    /// As the OpenAPI document has it.
    pub(super) fn documented(&self) -> Documented {
        let object = ObjectBuilder::new();
        let string = || SchemaType::new(Type::String);
        let object = match &self.kind {
            Kind::Text | Kind::Cluster => object.schema_type(string()),
            Kind::Pattern => object.schema_type(string()).description(Some("a regular expression")),
            Kind::Number(most) => object
                .schema_type(SchemaType::new(Type::Integer))
                .minimum(Some(0))
                .maximum(Some(*most)),
            Kind::Limit(most) => object
                .schema_type(SchemaType::new(Type::Integer))
                .minimum(Some(1))
                .maximum(Some(*most)),
            Kind::Words(words) => object.schema_type(string()).description(Some(format!(
                "one or more of {}, with commas between them",
                words.join(", ")
            ))),
            Kind::Sort(words) => object.schema_type(string()).enum_values(Some(
                words.iter().flat_map(|by| [(*by).to_owned(), format!("-{by}")]),
            )),
        };
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(self.says))
            .schema(Some(RefOr::T(Schema::Object(object.build()))))
            .build()
    }
}

fn number(text: &str, least: u64, most: u64) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_plain.then(|| text.parse().ok()).flatten()?;
    (least..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: [&Parameter; 6] = [
        &Parameter { name: "cluster", says: "", kind: Kind::Cluster },
        &Parameter { name: "name", says: "", kind: Kind::Pattern },
        &Parameter { name: "limit", says: "", kind: Kind::Limit(1000) },
        &Parameter { name: "task", says: "", kind: Kind::Number(9) },
        &Parameter { name: "class", says: "", kind: Kind::Words(&["AUTH", "DATA"]) },
        &Parameter { name: "sort", says: "", kind: Kind::Sort(&["name", "since"]) },
    ];

    fn read(query: &str) -> Result<Query, Problem> {
        Query::read(query, &TABLE, &["east".into(), "west".into()])
    }

    #[test]
    fn what_is_right_is_read() {
        let query =
            read("cluster=east&name=a.*&limit=7&class=auth,Data&sort=-since&task=0").unwrap();
        assert_eq!((query.text("cluster"), query.number("limit")), (Some("east"), Some(7)));
        assert!(query.wants("name", "ab") && !query.wants("name", "ba"));
        assert!(query.wants("class", "DATA") && !query.wants("class", "INSTALL"));
        assert_eq!((query.sort(), query.number("task")), (Some(("since", true)), Some(0)));
        assert!(read("").unwrap().wants("class", "INSTALL"));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (query, parameter, detail, choices) in [
            ("cluster=eats", "cluster", "no cluster \"eats\"", "east west"),
            ("clutser=east", "clutser", "did you mean \"cluster\"?", "cluster name limit task"),
            ("limit=0", "limit", "not a number in range", "1 to 1000"),
            ("limit=1001", "limit", "not a number in range", "1 to 1000"),
            ("limit=%2B1", "limit", "not a number in range", "1 to 1000"),
            ("limit=1&limit=1", "limit", "given twice", "cluster"),
            ("task=10", "task", "not a number in range", "0 to 9"),
            ("name=(", "name", "is not a regular expression", ""),
            ("class=auth,x", "class", "no \"x\"", "AUTH DATA"),
            ("class=", "class", "no \"\"", "AUTH DATA"),
            ("sort=size", "sort", "no \"size\"", "name -name since -since"),
        ] {
            let problem = read(query).unwrap_err();
            assert_eq!(problem.parameter.as_deref(), Some(parameter), "{query}");
            assert!(problem.detail.contains(detail), "{query}: {}", problem.detail);
            assert!(problem.choices.join(" ").starts_with(choices), "{query}: {problem:?}");
            assert_eq!(problem.status, 400);
        }
        assert_eq!(read("cluster=eats").unwrap_err().near, ["east"]);
    }
}
