//! The services of a server, by method name.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use crate::error::{Code, Error, Fault, Result};
use crate::header::Header;
use crate::http::{MethodInfo, ServiceInfo};
use crate::protocol;
use crate::service::{Context, Method, Service, Spare};
use crate::transport::Peer;

/// A poll of a handler that takes longer than this holds up its connection.
const SLOW: Duration = Duration::from_millis(1);
/// What one slow poll counts against a quick one.
const SLOW_WEIGHT: i64 = 16;
/// From this balance on a method gets tasks of its own. Several slow polls close together lead
/// there; one that the machine delayed does not.
const SLOW_BALANCE: i64 = 64;

/// A method that is served, and what is known about it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// `Service.Method`.
    pub(crate) name: Arc<str>,
    pub(crate) method: Method,
    calls: AtomicU64,
    slowness: AtomicI64,
}

impl Entry {
    /// Whether the method's handler gets a task of its own from the start.
    pub(crate) fn is_slow(&self) -> bool {
        self.method.is_blocking() || self.slowness.load(Ordering::Relaxed) >= SLOW_BALANCE
    }

    /// Learns from one poll of a handler.
    pub(crate) fn polled(&self, took: Duration) {
        let slowness = self.slowness.load(Ordering::Relaxed);
        if took >= SLOW {
            // Bounded, so that a method that has become quick is soon taken for it.
            if slowness < 2 * SLOW_BALANCE {
                self.slowness.fetch_add(SLOW_WEIGHT, Ordering::Relaxed);
            }
        } else if slowness > 0 {
            self.slowness.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The methods by name; replaced as a whole when a service is added. Only names that the program
/// has registered are in it, so nobody can choose them to collide.
type Table = FxHashMap<Box<str>, Arc<Entry>>;

/// The services of a server. They can be added while it runs.
#[derive(Debug, Default)]
pub(crate) struct Services {
    table: RwLock<Arc<Table>>,
    version: AtomicU64,
}

/// A connection's view of the services.
#[derive(Debug)]
pub(crate) struct View {
    table: Arc<Table>,
    version: u64,
}

impl Services {
    /// Adds a service.
    pub(crate) fn add(&self, service: Service) -> Result<()> {
        let Service { name, methods } = service;
        let refuse = |what: String| Err(Error::Setup(what));
        if name.is_empty() || name == protocol::RESERVED_SERVICE {
            return refuse(format!("a service cannot be named `{name}`"));
        }
        let mut table = self.table.write();
        let prefix = format!("{name}.");
        if table.keys().any(|known| service_of(known) == Some(&name)) {
            return refuse(format!("service already defined: {name}"));
        }
        let mut changed = Table::clone(&table);
        for (method_name, method) in methods {
            let full = format!("{prefix}{method_name}");
            if method_name.is_empty() || method_name.contains('.') {
                return refuse(format!(
                    "a method of `{name}` cannot be named `{method_name}`"
                ));
            }
            if full.len() > protocol::METHOD_MAX {
                let most = protocol::METHOD_MAX;
                return refuse(format!(
                    "`{full}` is longer than the {most} bytes of a name"
                ));
            }
            if let Err(error) = method.check() {
                return refuse(format!("{full} cannot be served: {error}"));
            }
            let entry = Entry {
                name: full.as_str().into(),
                method,
                calls: AtomicU64::new(0),
                slowness: AtomicI64::new(0),
            };
            if changed
                .insert(full.into_boxed_str(), Arc::new(entry))
                .is_some()
            {
                return refuse(format!("method already defined: {name}.{method_name}"));
            }
        }
        *table = Arc::new(changed);
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// The services as they are now.
    pub(crate) fn view(&self) -> View {
        let table = self.table.read();
        View {
            table: table.clone(),
            version: self.version.load(Ordering::Acquire),
        }
    }

    /// Brings a view up to date.
    #[inline]
    pub(crate) fn refresh(&self, view: &mut View) {
        if view.version != self.version.load(Ordering::Acquire) {
            *view = self.view();
        }
    }

    /// What the debug page shows, sorted by name.
    pub(crate) fn describe(&self) -> Vec<ServiceInfo> {
        let table = self.table.read().clone();
        let mut methods: Vec<&Arc<Entry>> = table.values().collect();
        methods.sort_by(|a, b| a.name.cmp(&b.name));
        let mut services: Vec<ServiceInfo> = Vec::new();
        for entry in methods {
            let Some((service, method)) = entry.name.rsplit_once('.') else {
                continue;
            };
            let info = MethodInfo {
                name: method.to_owned(),
                signature: format!("{method}{}", entry.method.signature()),
                calls: entry.calls.load(Ordering::Relaxed),
            };
            match services.last_mut() {
                Some(last) if last.name == service => last.methods.push(info),
                _ => services.push(ServiceInfo {
                    name: service.to_owned(),
                    methods: vec![info],
                }),
            }
        }
        services
    }
}

/// The methods that a client calls over one connection.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Those that it has given numbers, from 1 on.
    numbered: Vec<Option<Named>>,
    /// How many bytes the names take that are not served.
    unknown: usize,
    /// The one that it has called last by name alone.
    recent: Option<Route>,
    /// The places of those numbered ones whose calls have not all been counted.
    uncounted: Vec<usize>,
}

/// What a number stands for.
#[derive(Debug)]
enum Named {
    Served(Route),
    /// A method that was not served when it was last called.
    Unknown(Box<str>),
}

/// A method that a client calls over a connection, and what its calls share.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) entry: Arc<Entry>,
    /// That of calls without metadata.
    pub(crate) context: Context,
    pub(crate) spare: Option<Spare>,
    /// Calls that have not been counted. All connections share a counter, which costs less if it
    /// is not touched for each call.
    pub(crate) calls: u64,
}

impl Route {
    fn count(&mut self) {
        match std::mem::take(&mut self.calls) {
            0 => {}
            calls => {
                self.entry.calls.fetch_add(calls, Ordering::Relaxed);
            }
        }
    }

    fn new(entry: &Arc<Entry>, peer: &Arc<Peer>) -> Self {
        Self {
            entry: entry.clone(),
            context: Context::new(&entry.name, peer),
            spare: None,
            calls: 0,
        }
    }
}

/// Whatever becomes of a route, its calls count.
impl Drop for Route {
    fn drop(&mut self) {
        self.count();
    }
}

impl Routes {
    /// Counts the calls that have been noted with the routes.
    pub(crate) fn count(&mut self) {
        self.recent.iter_mut().for_each(Route::count);
        for place in self.uncounted.drain(..) {
            if let Some(Some(Named::Served(route))) = self.numbered.get_mut(place) {
                route.count();
            }
        }
        // Requests that are refused can list a place more than once.
        self.uncounted.shrink_to(UNCOUNTED_KEPT);
    }

    /// The method that a request of `peer` is for, or what to answer if there is none.
    #[inline]
    pub(crate) fn find(
        &mut self,
        view: &View,
        header: &Header<'_>,
        peer: &Arc<Peer>,
    ) -> Result<&mut Route, Fault> {
        let name = &*header.service_method;
        let place = match usize::try_from(header.method) {
            Ok(number @ 1..=protocol::METHODS_MAX) => number - 1,
            _ => return self.by_name(view, name, peer),
        };
        let is_served = matches!(self.numbered.get(place), Some(Some(Named::Served(_))));
        if !name.is_empty() || !is_served {
            self.learn(place, view, name, peer);
        }
        match self.numbered.get_mut(place) {
            Some(Some(Named::Served(route))) => {
                if route.calls == 0 && self.uncounted.last() != Some(&place) {
                    self.uncounted.push(place);
                }
                Ok(route)
            }
            Some(Some(Named::Unknown(name))) => Err(view.missing(name)),
            _ => Err(view.missing(name)),
        }
    }

    fn by_name(&mut self, view: &View, name: &str, peer: &Arc<Peer>) -> Result<&mut Route, Fault> {
        let is_recent = |route: &Route| *route.entry.name == *name;
        if !self.recent.as_ref().is_some_and(is_recent) {
            self.recent = Some(Route::new(view.find(name)?, peer));
        }
        self.recent.as_mut().ok_or_else(|| view.missing(name))
    }

    /// Notes that the number stands for `name` or, if there is no name, looks again for the one
    /// that it stands for: services may have been added.
    #[cold]
    fn learn(&mut self, place: usize, view: &View, name: &str, peer: &Arc<Peer>) {
        if self.numbered.len() <= place {
            self.numbered.resize_with(place + 1, || None);
        }
        let known = self.numbered[place].take();
        let name = match known {
            Some(Named::Unknown(known)) => {
                self.unknown -= known.len();
                if name.is_empty() { known } else { name.into() }
            }
            _ => name.into(),
        };
        self.numbered[place] = match view.find(&name) {
            Ok(entry) => Some(Named::Served(Route::new(entry, peer))),
            Err(_) if self.unknown + name.len() <= UNKNOWN_MAX => {
                self.unknown += name.len();
                Some(Named::Unknown(name))
            }
            Err(_) => None,
        };
    }

    /// The name of the method that a request is for, as far as it is known.
    pub(crate) fn name<'a>(&'a self, header: &'a Header<'_>) -> &'a str {
        let place = usize::try_from(header.method).unwrap_or(0).wrapping_sub(1);
        match self.numbered.get(place) {
            Some(Some(Named::Served(route))) => &route.entry.name,
            Some(Some(Named::Unknown(name))) => name,
            _ => &header.service_method,
        }
    }
}

/// A connection that has called more methods in one batch gives the room for their places back.
const UNCOUNTED_KEPT: usize = 64;

/// How many bytes of names that are not served a connection remembers.
const UNKNOWN_MAX: usize = 4 << 10;

fn service_of(full: &str) -> Option<&str> {
    full.rsplit_once('.').map(|(service, _)| service)
}

impl View {
    /// The method of this name, or what to answer if there is none.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Result<&Arc<Entry>, Fault> {
        self.table.get(name).ok_or_else(|| self.missing(name))
    }

    #[cold]
    fn missing(&self, name: &str) -> Fault {
        let text = match name.rsplit_once('.') {
            None => format!("service/method request ill-formed: {name}"),
            Some((service, method)) => {
                if self
                    .table
                    .keys()
                    .any(|known| service_of(known) == Some(service))
                {
                    format!("can't find method: {method}")
                } else {
                    format!("can't find service: {service}")
                }
            }
        };
        Fault::new(text).with_code(Code::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services() -> Services {
        let services = Services::default();
        let echo = || Method::function(|text: String, _| Ok(text));
        let service = Service::new("Text")
            .method("Echo", echo())
            .method("Again", echo());
        services.add(service).unwrap();
        services
    }

    #[test]
    fn every_call_counts_whatever_becomes_of_its_route() {
        let services = services();
        let (view, peer) = (services.view(), Arc::new(Peer::Other));
        let mut routes = Routes::default();
        let mut call = |name: &'static str, method| {
            let header = Header {
                service_method: name.into(),
                method,
                ..Header::default()
            };
            routes.find(&view, &header, &peer).unwrap().calls += 1;
            // One that is refused after all.
            let _refused = routes.find(&view, &header, &peer);
        };
        for _ in 0..10 {
            call("Text.Echo", 1);
            call("Text.Again", 2);
            call("", 1);
            call("Text.Echo", 0);
            call("Text.Again", 0);
            // The number stands for another one.
            call("Text.Again", 1);
        }
        routes.count();
        assert!(routes.uncounted.is_empty());
        let calls = |name| {
            let entry = view.find(name).unwrap();
            entry.calls.load(Ordering::Relaxed)
        };
        assert_eq!((calls("Text.Echo"), calls("Text.Again")), (30, 30));
    }

    #[test]
    fn a_missing_method_is_reported_in_the_words_of_the_protocol() {
        let view = services().view();
        assert!(view.find("Text.Echo").is_ok());
        for (name, text) in [
            ("Text.Foo", "can't find method: Foo"),
            ("Foo.Echo", "can't find service: Foo"),
            ("a.b.Foo.Bar", "can't find service: a.b.Foo"),
            ("Text", "service/method request ill-formed: Text"),
        ] {
            let fault = view.find(name).unwrap_err();
            assert_eq!((fault.text(), fault.code()), (text, Some(Code::NotFound)));
        }
    }

    #[test]
    fn a_service_that_cannot_be_served_is_refused_and_nothing_of_it_is_added() {
        let services = services();
        let echo = || Method::function(|text: String, _| Ok(text));
        let nested = Method::function(|value: Option<Option<i32>>, _| Ok(value.is_some()));
        for (service, reason) in [
            (Service::new("Text"), "service already defined: Text"),
            (Service::new(""), "cannot be named"),
            (Service::new("_wgrpc_"), "cannot be named"),
            (
                Service::new("A").method("B", echo()).method("B", echo()),
                "already defined: A.B",
            ),
            (Service::new("A").method("B.C", echo()), "cannot be named"),
            (Service::new("A").method("B", nested), "option of an option"),
            (
                Service::new("A".repeat(600)).method("B", echo()),
                "longer than",
            ),
        ] {
            let error = services.add(service).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert_eq!(services.describe().len(), 1);
    }

    #[test]
    fn a_number_stands_for_the_name_that_came_with_it() {
        let services = services();
        let mut view = services.view();
        let (mut routes, peer) = (Routes::default(), Arc::new(Peer::Other));
        let request = |name: &'static str, method| Header {
            service_method: name.into(),
            method,
            ..Header::default()
        };
        let mut find = |view: &View, name, method| {
            let header = request(name, method);
            let found = routes.find(view, &header, &peer);
            let found = found.map(|it| it.context.method().to_owned());
            let found = found.map_err(|it| it.text().to_owned());
            if let Ok(found) = &found {
                assert!(method == 0 || routes.name(&header) == &**found);
            }
            found
        };
        let ok = |name: &str| Ok(name.into());
        let missing = |name: &str| Err(format!("can't find service: {name}"));
        assert_eq!(find(&view, "Text.Echo", 1), ok("Text.Echo"));
        assert_eq!(find(&view, "Text.Again", 0), ok("Text.Again"));
        assert_eq!(find(&view, "Later.Echo", 2), missing("Later"));
        for _ in 0..2 {
            assert_eq!(find(&view, "", 1), ok("Text.Echo"));
            assert_eq!(find(&view, "", 2), missing("Later"));
        }
        // A number may be given to another name, and a name may be served later.
        assert_eq!(find(&view, "Text.Again", 1), ok("Text.Again"));
        assert_eq!(find(&view, "", 1), ok("Text.Again"));
        let echo = Method::function(|text: String, _| Ok(text));
        let later = Service::new("Later").method("Echo", echo);
        services.add(later).unwrap();
        services.refresh(&mut view);
        assert_eq!(find(&view, "", 2), ok("Later.Echo"));
        // A number that stands for nothing is an error of its call.
        let nothing = Err("service/method request ill-formed: ".to_owned());
        for number in [3, protocol::METHODS_MAX as u64, u64::MAX] {
            assert_eq!(find(&view, "", number), nothing);
        }
        assert_eq!(find(&view, "Text.Echo", u64::MAX), ok("Text.Echo"));
    }

    #[test]
    fn names_that_are_not_served_take_little_memory() {
        let view = services().view();
        let (mut routes, peer) = (Routes::default(), Arc::new(Peer::Other));
        for method in 1..=protocol::METHODS_MAX as u64 {
            let header = Header {
                service_method: "x".repeat(protocol::METHOD_MAX).into(),
                method,
                ..Header::default()
            };
            assert!(routes.find(&view, &header, &peer).is_err());
        }
        let names = routes.numbered.iter().flatten().map(|named| match named {
            Named::Unknown(name) => name.len(),
            Named::Served(_) => 0,
        });
        let bytes: usize = names.sum();
        assert!(bytes > 0 && bytes == routes.unknown && bytes <= UNKNOWN_MAX);
    }

    #[test]
    fn a_service_added_later_is_seen_by_a_view_that_is_refreshed() {
        let services = services();
        let mut view = services.view();
        let echo = Method::function(|text: String, _| Ok(text));
        services
            .add(Service::new("Later").method("Echo", echo))
            .unwrap();
        assert!(view.find("Later.Echo").is_err());
        services.refresh(&mut view);
        assert!(view.find("Later.Echo").is_ok());
    }

    #[test]
    fn a_method_that_is_slow_again_and_again_gets_tasks_of_its_own_until_it_is_quick() {
        let view = services().view();
        let entry = view.find("Text.Echo").unwrap();
        entry.polled(SLOW);
        for _ in 0..SLOW_WEIGHT {
            entry.polled(Duration::ZERO);
        }
        assert!(!entry.is_slow(), "one delay is forgiven");
        for _ in 0..4 {
            entry.polled(SLOW);
        }
        assert!(entry.is_slow());
        entry.polled(Duration::ZERO);
        assert!(!entry.is_slow());
    }
}
