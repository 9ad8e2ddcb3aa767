//! A connection manager, and the order of the filters in it.

use super::routes::is_stamp;
use super::tree::{self, Node};
use super::{Files, Findings};
use serde_json::Value;

/// What may stand between the filter and `buffer`: these look at heads only, and hold nothing back.
const HEADS_ONLY: &[&str] =
    &["header_mutation.v3.HeaderMutation", "set_filter_state.v3.Config", "rbac.v3.RBAC"];

/// These can pass whole requests on to others.
const SEES_BODIES: &[&str] =
    &["ext_proc.v3.ExternalProcessor", "ext_authz.v3.ExtAuthz", "lua.v3.Lua", "tap.v3.Tap"];

/// Envoy's own silence limit, where there is none in the configuration.
const DEFAULT_SILENCE: f64 = 300.0;
/// Models that think without streaming are silent for minutes.
pub(super) const SHORTEST_SILENCE: f64 = 600.0;

/// A connection manager.
pub(super) struct Chain<'a> {
    /// Its `typed_config`.
    pub(super) manager: Node<'a>,
    /// Its `http_filters`, with their configuration, if that is in the file.
    pub(super) filters: Vec<(Node<'a>, Option<Node<'a>>)>,
    /// The number of the filter among them.
    pub(super) index: Option<usize>,
    /// The filter's configuration, if it came from another file.
    discovered: Option<Value>,
}

/// All connection managers, each once although an alias may repeat it.
pub(super) fn managers<'a>(root: &Node<'a>) -> Vec<Node<'a>> {
    let mut managers: Vec<Node<'a>> = Vec::new();
    root.walk(&mut |node| {
        let is_manager = node.is("http_connection_manager.v3.HttpConnectionManager");
        if is_manager && managers.iter().all(|known| known.value() != node.value()) {
            managers.push(node.clone());
        }
    });
    managers
}

impl<'a> Chain<'a> {
    pub(super) fn new(manager: Node<'a>, files: &Files, findings: &mut Findings) -> Self {
        let filters: Vec<_> = manager.items("http_filters");
        let filters: Vec<_> =
            filters.into_iter().map(|filter| (filter.clone(), filter.get("typed_config"))).collect();
        let mut chain = Self { manager, filters, index: None, discovered: None };
        for (index, (filter, config)) in chain.filters.iter().enumerate() {
            let discovered = discovered(filter, files);
            let is_ours = match (config, &discovered) {
                (Some(config), _) => is_ours(filter, config),
                (None, Some(Some(config))) => is_ours(filter, &Node::root(config)),
                (None, Some(None)) if names_us(filter.text("name")) => {
                    findings.unchecked(
                        filter,
                        "the file with the filter and its configuration cannot be read here",
                    );
                    true
                }
                (None, _) => false,
            };
            if is_ours {
                chain.index = Some(index);
                chain.discovered = discovered.flatten();
                break;
            }
        }
        chain
    }

    /// True if the filter is in it.
    pub(super) fn masks(&self) -> bool {
        self.index.is_some()
    }

    /// The filter's entry.
    pub(super) fn entry(&self) -> Option<&Node<'a>> {
        self.filters.get(self.index?).map(|(entry, _)| entry)
    }

    /// The plugin's configuration, wherever it stands; `None` if that could not be read. Its place is the entry's.
    pub(super) fn plugin(&self) -> Option<Node<'_>> {
        match (&self.discovered, self.filters.get(self.index?)) {
            (Some(discovered), Some(_)) => Node::root(discovered).get("config"),
            (None, Some((_, Some(config)))) => config.get("config"),
            _ => None,
        }
    }

    /// The `buffer` filter behind ours, if it stands where it must.
    pub(super) fn buffer(&self) -> Option<Node<'a>> {
        self.behind()
            .find(|config| !HEADS_ONLY.iter().any(|kind| config.is(kind)))
            .filter(|config| config.kind() == "Buffer")
    }

    fn behind(&self) -> impl Iterator<Item = Node<'a>> {
        let from = self.index.map_or(usize::MAX, |index| index.saturating_add(1));
        // What is switched off is not there.
        self.filters
            .iter()
            .skip(from)
            .filter(|(entry, _)| !entry.flag("disabled"))
            .filter_map(|(_, config)| config.clone())
    }

    fn before(&self) -> impl Iterator<Item = Node<'a>> {
        let to = self.index.unwrap_or_default();
        self.filters
            .iter()
            .take(to)
            .filter(|(entry, _)| !entry.flag("disabled"))
            .filter_map(|(_, config)| config.clone())
    }

    /// The order of the filters, and what the manager itself must keep to.
    pub(super) fn check(&self, findings: &mut Findings) {
        let Some(entry) = self.entry() else { return };
        if entry.flag("disabled") {
            findings.add(entry, "the filter is disabled, so nothing is masked unless a route enables it");
        }
        if self.buffer().is_none() {
            let sentence = match self.behind().find(|config| config.kind() == "Buffer") {
                None => {
                    "no `buffer` filter stands behind it, so the provider sees a request's head before the body is masked"
                }
                Some(_) => {
                    "`buffer` does not stand directly behind it, and what stands between could pass on a request's head before \
                     the body is masked"
                }
            };
            findings.add(entry, sentence);
        }
        self.order(findings);
        self.compression(findings);
        let silence = self.manager.seconds("stream_idle_timeout").unwrap_or(DEFAULT_SILENCE);
        if silence != 0.0 && silence < SHORTEST_SILENCE {
            findings.add(
                &self.manager,
                format!("`stream_idle_timeout` cuts answers after {silence} s of silence, and models think for minutes; say 900s"),
            );
        }
        for name in [
            "common_http_protocol_options.max_stream_duration",
            "common_http_protocol_options.max_connection_duration",
        ] {
            if let Some(node) = self.manager.at(name) {
                findings.add(&node, "it cuts answers that are still streaming");
            }
        }
        for upgrade in self.manager.items("upgrade_configs") {
            if upgrade.get("enabled").is_none_or(|enabled| enabled.value() != &Value::Bool(false)) {
                findings.add(
                    &upgrade,
                    "an upgraded connection, such as a WebSocket, cannot be masked; take it out",
                );
            }
        }
    }

    /// What must not stand where it does.
    fn order(&self, findings: &mut Findings) {
        for config in self.before() {
            if config.is("router.v3.Router") {
                findings.add(&config, "it sends requests on before the filter has seen them; put it last");
            } else if SEES_BODIES.iter().any(|kind| config.is(kind)) {
                findings.unchecked(
                    &config,
                    "it gets requests before they are masked; where it sends them is not read",
                );
            }
        }
        for config in self.behind().filter(|config| config.is("header_mutation.v3.HeaderMutation")) {
            config.walk(&mut |node| {
                if is_stamp(node.at("append.header").and_then(|header| header.text("key"))) {
                    findings.add(node, "it writes x-original-host over the filter's stamp, which says where a request may go");
                }
            });
        }
    }

    /// Requests must be plain when they reach the filter, and so must answers, which come from behind.
    fn compression(&self, findings: &mut Findings) {
        for config in self.behind().filter(|config| config.is("compressor.v3.Compressor")) {
            findings.add(&config, "it compresses answers before the filter sees them, which then cannot restore; put it in front");
        }
        let decompressors = |configs: Vec<Node<'a>>, direction: &'static str| -> Vec<Node<'a>> {
            let reads = |config: &Node<'a>| {
                let enabled = config.at(&format!("{direction}.common_config.enabled.default_value"));
                config.is("decompressor.v3.Decompressor")
                    && enabled.is_none_or(|enabled| enabled.value() != &Value::Bool(false))
            };
            configs.into_iter().filter(reads).collect()
        };
        let library = |config: &Node<'a>| {
            config.at("decompressor_library.typed_config").map(|library| library.text("@type"))
        };
        for (direction, misplaced, placed, sentence) in [
            (
                "request_direction_config",
                self.behind().collect::<Vec<_>>(),
                self.before().collect::<Vec<_>>(),
                "it decompresses requests behind the filter, which refuses them as long as they are compressed; put it in front",
            ),
            (
                "response_direction_config",
                self.before().collect(),
                self.behind().collect(),
                "it decompresses answers in front of the filter, which they reach compressed; put it behind",
            ),
        ] {
            let placed = decompressors(placed, direction);
            for config in decompressors(misplaced, direction) {
                if placed.iter().all(|other| library(other) != library(&config)) {
                    findings.add(&config, sentence);
                }
            }
        }
    }
}

/// What a filter's file has for it, if its configuration comes from a file: `None` inside if that cannot be read.
fn discovered(filter: &Node<'_>, files: &Files) -> Option<Option<Value>> {
    let source = filter.at("config_discovery.config_source")?;
    let path =
        source.at("path_config_source").and_then(|source| source.text("path")).or(source.text("path"))?;
    let find = || {
        let tree = tree::read(&files.read(path)?).ok()?;
        let name = filter.text("name")?;
        let resources = Node::root(&tree).items("resources");
        let resource = resources.iter().find(|resource| resource.text("name") == Some(name))?;
        Some(resource.get("typed_config")?.value().clone())
    };
    Some(find())
}

/// True for a wasm filter that names itself so, or whose module or configuration does.
fn is_ours(entry: &Node<'_>, config: &Node<'_>) -> bool {
    if !config.is("wasm.v3.Wasm") {
        return false;
    }
    let Some(plugin) = config.get("config") else { return names_us(entry.text("name")) };
    let module = plugin.at("vm_config.code.local").and_then(|local| local.text("filename"));
    [entry.text("name"), plugin.text("name"), plugin.text("root_id"), module].into_iter().any(names_us)
}

fn names_us(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.to_ascii_lowercase().contains("cloakroom"))
}
