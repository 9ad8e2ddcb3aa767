//! The description of the API, made from the types that read and write it.

use bridge_api::{
    ErrorResponse, ForgetResponse, IssueRequest, IssueResponse, RestoreRequest, RestoreResponse,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::routes::{FORGET, HEALTHZ, ISSUE, METRICS, OPENAPI, READYZ, RESTORE};

/// OpenAPI 3.1, as JSON for people to read.
pub fn text() -> String {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut schemas = settings.into_generator();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Redis bridge",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Keeps which token stands for which value. Every call is a batch; every answer keeps the \
                order of its call. Each answer repeats the request's `x-request-id`, or has a new one.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"caller": []}],
        "paths": paths(&mut schemas),
        "components": {
            "securitySchemes": {
                "caller": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a caller in the callers file. A bridge without that file asks for none \
                        and listens on loopback addresses and Unix sockets only.",
                },
            },
            "responses": responses(&mut schemas),
            "schemas": schemas.take_definitions(true),
        },
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn paths(schemas: &mut SchemaGenerator) -> Value {
    let scope = json!({
        "name": "scope",
        "in": "path",
        "required": true,
        "description": "Whose tokens. Two scopes never share a token's meaning.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    });
    json!({
        ISSUE: {
            "parameters": [scope],
            "post": {
                "operationId": "issue",
                "summary": "Get or create the tokens of values. Needs the right `issue`.",
                "requestBody": body::<IssueRequest<'_>>(schemas),
                "responses": answers::<IssueResponse>(schemas, "The tokens.", WITH_BODY),
            },
        },
        RESTORE: {
            "parameters": [scope],
            "post": {
                "operationId": "restore",
                "summary": "Get the values of tokens. Needs the right `restore`.",
                "requestBody": body::<RestoreRequest<'_>>(schemas),
                "responses": answers::<RestoreResponse>(schemas, "The values.", WITH_BODY),
            },
        },
        FORGET: {
            "parameters": [scope],
            "delete": {
                "operationId": "forget",
                "summary": "Forget the mappings of a scope; its counters stay. Needs the right `admin`.",
                "responses": answers::<ForgetResponse>(schemas, "How many mappings there were.", WITHOUT_BODY),
            },
        },
        HEALTHZ: {"get": probe("live", "The bridge runs.", &[])},
        READYZ: {"get": probe("ready", "The bridge takes calls: its store answers, and it is not about to end.", &["503"])},
        METRICS: {"get": text_of("metrics", "Counters and gauges.", "application/openmetrics-text")},
        OPENAPI: {"get": text_of("describe", "This description.", "application/json")},
    })
}

fn responses(schemas: &mut SchemaGenerator) -> Value {
    let schema = schemas.subschema_for::<ErrorResponse>();
    let all = ERRORS.iter().map(|(status, description)| {
        let content = json!({"application/json": {"schema": schema}});
        let headers = match *status {
            "401" => header("www-authenticate", "`Bearer`."),
            "503" => header("retry-after", "Seconds."),
            _ => json!({}),
        };
        ((*status).to_owned(), json!({"description": description, "content": content, "headers": headers}))
    });
    Value::Object(all.collect())
}

fn header(name: &str, description: &str) -> Value {
    json!({name: {"description": description, "schema": {"type": "string"}}})
}

fn body<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": schemas.subschema_for::<T>()}}})
}

fn answers<T: JsonSchema>(schemas: &mut SchemaGenerator, description: &str, errors: &[&str]) -> Value {
    let content = json!({"application/json": {"schema": schemas.subschema_for::<T>()}});
    all(json!({"description": description, "content": content}), errors)
}

fn probe(id: &str, summary: &str, errors: &[&str]) -> Value {
    let content = json!({"application/json": {"schema": {"type": "object"}}});
    let answers = all(json!({"description": "Yes.", "content": content}), errors);
    json!({"operationId": id, "summary": summary, "security": [], "responses": answers})
}

fn text_of(id: &str, summary: &str, media_type: &str) -> Value {
    let answers = json!({"200": {"description": summary, "content": {media_type: {}}}});
    json!({"operationId": id, "summary": summary, "security": [], "responses": answers})
}

/// A good answer, and the errors that there may be instead.
fn all(good: Value, errors: &[&str]) -> Value {
    let error =
        |status: &&str| ((*status).to_owned(), json!({"$ref": format!("#/components/responses/{status}")}));
    Value::Object(std::iter::once(("200".to_owned(), good)).chain(errors.iter().map(error)).collect())
}

const WITH_BODY: &[&str] = &["400", "401", "403", "408", "413", "415", "503"];
const WITHOUT_BODY: &[&str] = &["400", "401", "403", "503"];

const ERRORS: &[(&str, &str)] = &[
    ("400", "`malformed`: not the JSON that is expected. `invalid`: a name or a length that is not."),
    ("401", "`unauthenticated`: no token, or of no known caller."),
    ("403", "`forbidden`: the caller lacks the right, or may not use the scope."),
    ("408", "`timeout`: the body came too slowly."),
    ("413", "`too_large`: the body is too long, or has too many entries."),
    ("415", "`unsupported_media_type`: not `application/json`, or with a `content-encoding`."),
    (
        "503",
        "`store_unavailable`, `store_full`, `store_unsound`: the store. `busy`: too much at once. `timeout`: it took too \
         long. `not_ready`: the bridge is about to end.",
    ),
];
