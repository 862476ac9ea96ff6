//! `/api/v1/openapi.json`: the API as OpenAPI 3.1, made from the table of paths, the tables of
//! parameters and the types of the answers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{
    OperationBuilder, Parameter as Documented, ParameterBuilder, ParameterIn, PathItem,
    PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
};

use super::super::actions::Outcome;
use super::super::facts::{
    ClusterFacts, ConnectorFacts, FailureFacts, KillSwitchFacts, SilenceFacts, WorkerFacts,
};
use super::super::session::SessionFacts;
use super::audit::{AUDIT, Audited};
use super::body::{EmptyBody, KillSwitchBody, RestartBody, SilenceBody};
use super::clusters::{CLUSTERS, WORKERS};
use super::connectors::{CONNECTORS, ConnectorAnswer, DETAIL, OF_CLUSTER, TaskOfConnector};
use super::failures::FAILURES;
use super::paging::Page;
use super::parameter::Parameter;
use super::problem::Problem;
use super::resources::{Endpoint, RESOURCES, Read, Resource, Write};
use super::watchdog::{HISTORY, HistoryAnswer, PLAN, Plan, Silences};

/// The document, put together once.
pub(super) fn json() -> Bytes {
    static JSON: LazyLock<Bytes> = LazyLock::new(|| {
        let mut json = serde_json::to_vec(&document()).unwrap_or_default();
        json.push(b'\n');
        json.into()
    });
    JSON.clone()
}

/// What is said of one method of one path.
struct Told {
    summary: &'static str,
    query: &'static [&'static Parameter],
    body: Option<RefOr<Schema>>,
    answers: Vec<(StatusCode, &'static str, RefOr<Schema>)>,
    problems: &'static [StatusCode],
}

const READ: &[StatusCode] = &[StatusCode::BAD_REQUEST];
const NAMED: &[StatusCode] = &[StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND];
const OF_CONNECTOR: &[StatusCode] =
    &[StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
const OF_LIVE: &[StatusCode] = &[StatusCode::BAD_REQUEST, StatusCode::SERVICE_UNAVAILABLE];
/// Of what is ordered.
const ORDERED: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
];
const ORDERED_OF_NAMED: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
];
const ACKNOWLEDGED: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::SERVICE_UNAVAILABLE,
];
/// Of what is sent to a worker.
const SENT: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::NOT_IMPLEMENTED,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// The types that answers are made of.
#[derive(Default)]
struct Schemas(Vec<(String, RefOr<Schema>)>);

impl Schemas {
    fn of<T: ToSchema>(&mut self) -> RefOr<Schema> {
        T::schemas(&mut self.0);
        T::schema()
    }

    /// A page does not tell of what it is a page.
    fn page<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let _ = self.named::<T>();
        self.of::<Page<T>>()
    }

    fn named<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let schema = self.of::<T>();
        self.0.push((T::name().into_owned(), schema));
        RefOr::Ref(Ref::from_schema_name(T::name()))
    }
}

fn text() -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    RefOr::T(Schema::Object(text.build()))
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn told(endpoint: Endpoint, schemas: &mut Schemas) -> Told {
    fn read<T: ToSchema>(
        schemas: &mut Schemas,
        summary: &'static str,
        query: &'static [&'static Parameter],
        problems: &'static [StatusCode],
    ) -> Told {
        let answers = vec![(StatusCode::OK, "What was asked for.", schemas.of::<T>())];
        Told { summary, query, body: None, answers, problems }
    }
    fn page<T: ToSchema>(
        schemas: &mut Schemas,
        summary: &'static str,
        query: &'static [&'static Parameter],
        problems: &'static [StatusCode],
    ) -> Told {
        let answers = vec![(StatusCode::OK, "What was asked for.", schemas.page::<T>())];
        Told { summary, query, body: None, answers, problems }
    }
    fn sent<B: ToSchema>(
        schemas: &mut Schemas,
        summary: &'static str,
        status: StatusCode,
        problems: &'static [StatusCode],
    ) -> Told {
        let body = Some(schemas.named::<B>());
        let answers = vec![(status, "What was done.", schemas.named::<Outcome>())];
        Told { summary, query: &[], body, answers, problems }
    }
    match endpoint {
        Endpoint::Read(Read::Clusters) => {
            page::<ClusterFacts>(schemas, "Every cluster.", &CLUSTERS, READ)
        }
        Endpoint::Read(Read::Cluster) => read::<ClusterFacts>(schemas, "One cluster.", &[], NAMED),
        Endpoint::Read(Read::Connectors) => {
            page::<ConnectorFacts>(schemas, "Connectors of all clusters.", &CONNECTORS, READ)
        }
        Endpoint::Read(Read::ConnectorsOfCluster) => {
            page::<ConnectorFacts>(schemas, "Connectors of one cluster.", &OF_CLUSTER, NAMED)
        }
        Endpoint::Read(Read::Connector) => read::<ConnectorAnswer>(
            schemas,
            "One connector in full: its tasks, failures with their traces, what the watchdog makes \
             of it, the states that were seen; and, fetched from the cluster for this answer, its \
             configuration, offsets and topics.",
            &DETAIL,
            OF_CONNECTOR,
        ),
        Endpoint::Read(Read::Tasks) => {
            page::<TaskOfConnector>(schemas, "Tasks of all clusters.", &CONNECTORS, READ)
        }
        Endpoint::Read(Read::Failures) => page::<FailureFacts>(
            schemas,
            "What is FAILED: root cause, class, since when, and what the watchdog does about it.",
            &FAILURES,
            READ,
        ),
        Endpoint::Read(Read::Workers) => page::<WorkerFacts>(
            schemas,
            "Workers of all clusters: version, health, load.",
            &WORKERS,
            READ,
        ),
        Endpoint::Read(Read::History) => read::<HistoryAnswer>(
            schemas,
            "What states were seen of one connector and its tasks, from when to when.",
            &HISTORY,
            OF_CONNECTOR,
        ),
        Endpoint::Read(Read::Plan) => read::<Plan>(
            schemas,
            "Every unit that is not healthy, what the watchdog would do, when, and why not yet.",
            &PLAN,
            READ,
        ),
        Endpoint::Read(Read::Audit) => read::<Audited>(
            schemas,
            "The last lines of the audit log: what was seen, decided, done and ordered.",
            &AUDIT,
            READ,
        ),
        Endpoint::Read(Read::Silences) => {
            read::<Silences>(schemas, "Silences that were ordered and are in force.", &[], READ)
        }
        Endpoint::Read(Read::KillSwitch) => {
            read::<KillSwitchFacts>(schemas, "Whether anything is restarted at all.", &[], READ)
        }
        Endpoint::Live => Told {
            summary: "Server-sent events. First `hello`, with the generation of each cluster, then \
                      a message with a cluster and its generation whenever what is told of that \
                      cluster changed; a comment at least every 15 s.",
            query: &[],
            body: None,
            answers: vec![(StatusCode::OK, "Events, until the client goes.", text())],
            problems: OF_LIVE,
        },
        Endpoint::Session => {
            read::<SessionFacts>(schemas, "Who asks, and in which role.", &[], READ)
        }
        Endpoint::Read(Read::Document) => Told {
            summary: "This document.",
            query: &[],
            body: None,
            answers: vec![(StatusCode::OK, "OpenAPI 3.1.", any())],
            problems: READ,
        },
        Endpoint::Write(Write::Restart) => {
            let told = sent::<RestartBody>(
                schemas,
                "Restart a connector; its own instance only, unless more is said.",
                StatusCode::OK,
                SENT,
            );
            let outcome = schemas.named::<Outcome>();
            let taken = (StatusCode::ACCEPTED, "Taken, and done soon.", outcome);
            Told { answers: told.answers.into_iter().chain([taken]).collect(), ..told }
        }
        Endpoint::Write(Write::RestartTask) => {
            sent::<EmptyBody>(schemas, "Restart one task.", StatusCode::OK, SENT)
        }
        Endpoint::Write(Write::Pause) => {
            sent::<EmptyBody>(schemas, "Pause a connector.", StatusCode::ACCEPTED, SENT)
        }
        Endpoint::Write(Write::Resume) => sent::<EmptyBody>(
            schemas,
            "Resume a connector that is paused or stopped.",
            StatusCode::ACCEPTED,
            SENT,
        ),
        Endpoint::Write(Write::Stop) => sent::<EmptyBody>(
            schemas,
            "Stop a connector (3.5 and later): it has no tasks then.",
            StatusCode::ACCEPTED,
            SENT,
        ),
        Endpoint::Write(Write::Acknowledge) => sent::<EmptyBody>(
            schemas,
            "Have the watchdog forget what it tried with a connector, and try afresh.",
            StatusCode::ACCEPTED,
            ACKNOWLEDGED,
        ),
        Endpoint::Write(Write::AcknowledgeTask) => {
            sent::<EmptyBody>(schemas, "The same of one task.", StatusCode::ACCEPTED, ACKNOWLEDGED)
        }
        Endpoint::Write(Write::Silence) => Told {
            summary: "Have the watchdog leave some connectors alone for a while.",
            query: &[],
            body: Some(schemas.named::<SilenceBody>()),
            answers: vec![(
                StatusCode::CREATED,
                "The silence, with the id to take it back by.",
                schemas.named::<SilenceFacts>(),
            )],
            problems: ORDERED,
        },
        Endpoint::Write(Write::Unsilence) => Told {
            summary: "Take a silence back.",
            query: &[],
            body: Some(schemas.named::<EmptyBody>()),
            answers: vec![(
                StatusCode::OK,
                "The silence as it was.",
                schemas.named::<SilenceFacts>(),
            )],
            problems: ORDERED_OF_NAMED,
        },
        Endpoint::Write(Write::TurnKillSwitch) => Told {
            summary: "Turn the kill switch on or off: while it is on the watchdog restarts nothing, \
                      in no cluster.",
            query: &[],
            body: Some(schemas.named::<KillSwitchBody>()),
            answers: vec![(StatusCode::OK, "How it is now.", schemas.named::<KillSwitchFacts>())],
            problems: ORDERED,
        },
    }
}

fn any() -> RefOr<Schema> {
    let object = ObjectBuilder::new().schema_type(SchemaType::new(Type::Object));
    RefOr::T(Schema::Object(object.build()))
}

fn document() -> OpenApi {
    let mut schemas = Schemas::default();
    let problem = schemas.named::<Problem>();
    let mut paths = PathsBuilder::new();
    for resource in RESOURCES {
        let mut item = PathItem::default();
        for (method, endpoint) in resource.methods {
            let told = told(*endpoint, &mut schemas);
            let operation = operation(resource, (method, *endpoint), told, &problem);
            let (get, other) = match *method {
                "GET" => (Some(operation), None),
                method => (None, Some((method, operation))),
            };
            item.get = get.or(item.get);
            match other {
                Some(("POST", operation)) => item.post = Some(operation),
                Some(("PUT", operation)) => item.put = Some(operation),
                Some((_, operation)) => item.delete = Some(operation),
                None => {}
            }
        }
        paths = paths.path(format!("/api/v1{}", resource.path), item);
    }
    let schemas: BTreeMap<_, _> = schemas.0.into_iter().collect();
    let mut license = LicenseBuilder::new().name("Apache-2.0").build();
    license.identifier = Some("Apache-2.0".to_owned());
    let info = InfoBuilder::new()
        .title("connect-warden")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license))
        .description(Some(
            "What connect-warden knows of Kafka Connect clusters, what its watchdog means to do, \
             and what an administrator can do. Names in paths are percent-encoded. What is wrong is \
             told as application/problem+json. Every answer to GET has an ETag; send it back in \
             If-None-Match to be answered 304 while nothing changed.",
        ))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths.build())
        .components(Some(ComponentsBuilder::new().schemas_from_iter(schemas).build()))
        .build()
}

fn operation(
    resource: &Resource,
    (method, endpoint): (&str, Endpoint),
    told: Told,
    problem: &RefOr<Schema>,
) -> utoipa::openapi::path::Operation {
    let mut operation =
        OperationBuilder::new().operation_id(Some(name(endpoint))).summary(Some(told.summary));
    for part in resource.path.split('/') {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            operation = operation.parameter(in_path(name));
        }
    }
    for parameter in told.query {
        operation = operation.parameter(parameter.documented());
    }
    if let Some(body) = told.body {
        let content = ContentBuilder::new().schema(Some(body)).build();
        let body = RequestBodyBuilder::new().content("application/json", content);
        operation = operation.request_body(Some(body.build()));
    }
    let kind = if endpoint == Endpoint::Live { "text/event-stream" } else { "application/json" };
    let has_tag = !matches!(endpoint, Endpoint::Live | Endpoint::Session);
    if method == "GET" && has_tag {
        let same = ResponseBuilder::new().description("What If-None-Match has is still so.");
        operation = operation.response(StatusCode::NOT_MODIFIED.as_str(), same.build());
    }
    for (status, what, schema) in told.answers {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(what).content(kind, content);
        operation = operation.response(status.as_str(), response.build());
    }
    let needs_more: &[_] = if method == "GET" {
        &[StatusCode::UNAUTHORIZED]
    } else {
        &[StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]
    };
    for status in needs_more.iter().chain(told.problems) {
        let content = ContentBuilder::new().schema(Some(problem.clone())).build();
        let response = ResponseBuilder::new()
            .description(status.canonical_reason().unwrap_or_default())
            .content("application/problem+json", content);
        operation = operation.response(status.as_str(), response.build());
    }
    operation.build()
}

/// Such as `Clusters`.
fn name(endpoint: Endpoint) -> String {
    match endpoint {
        Endpoint::Read(what) => format!("{what:?}"),
        Endpoint::Write(what) => format!("{what:?}"),
        Endpoint::Live | Endpoint::Session => format!("{endpoint:?}"),
    }
}

fn in_path(name: &str) -> Documented {
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(RefOr::T(Schema::Object(text.build()))))
        .build()
}
