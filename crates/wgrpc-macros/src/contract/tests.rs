//! Which methods are served under which names, and what is said of those that cannot be.

use quote::ToTokens as _;
use syn::parse::Parser as _;

use super::*;

fn options(text: &str) -> Options {
    let mut options = Options::default();
    let parser = syn::meta::parser(|meta| options.take(&meta));
    parser.parse_str(text).unwrap();
    options
}

fn of_impl(options: Options, text: &str) -> Result<Contract> {
    Contract::of_impl(options, &syn::parse_str(text).unwrap())
}

/// The contract of a service with these methods.
fn with_methods(methods: &str) -> Contract {
    of_impl(Options::default(), &format!("impl Arith {{ {methods} }}")).unwrap()
}

/// What is wrong with the only method.
fn refusal(method: &str) -> String {
    let contract = with_methods(method);
    assert!(contract.methods.is_empty(), "{method}");
    contract.error.unwrap().to_string()
}

#[test]
fn methods_with_self_are_served_under_go_names() {
    let contract = with_methods(
        "async fn multiply(&self, args: Args) -> i64 {}
         pub fn get_user_id<'a>(&'a self) {}
         #[method(name = \"URL\")] fn url(&self) -> String {}
         #[method(blocking)] fn slow(&self) {}
         fn new() -> Self {}
         #[method(skip)] fn hidden<T>(self, a: &str, b: T) {}
         const N: u8 = 1;",
    );
    let names: Vec<_> = contract.methods.iter().map(|method| &method.wire).collect();
    assert_eq!(names, ["Multiply", "GetUserId", "URL", "Slow"]);
    assert!(contract.error.is_none());
    assert_eq!(contract.name, "Arith");
    assert_eq!(contract.client.unwrap(), "ArithClient");
    assert!(contract.methods[0].is_async && !contract.methods[1].is_async);
    assert!(contract.methods[3].is_blocking && !contract.methods[2].is_blocking);
}

#[test]
fn names_and_places_can_be_given() {
    let all = "name = \"math.Arith\", client = \"Calc\", crate = \"other::rpc\"";
    let contract = of_impl(options(all), "impl a::Arith { fn f(&self) {} }").unwrap();
    assert_eq!(contract.name, "math.Arith");
    assert_eq!(contract.client.as_ref().unwrap(), "Calc");
    let core = contract.core().to_string().replace(' ', "");
    assert_eq!(core, "other::rpc::__private::wgrpc_core");
    let none = of_impl(options("client = false"), "impl Arith { fn f(&self) {} }").unwrap();
    assert!(none.client.is_none());
}

#[test]
fn arguments_contexts_and_replies_are_told_apart() {
    for (method, argument, context, reply, is_fallible) in [
        ("fn f(&self)", None, None, "()", false),
        (
            "fn f(&self, args: Args) -> i64",
            Some("Args"),
            None,
            "i64",
            false,
        ),
        (
            "fn f(&self, _: Args, c: Context)",
            Some("Args"),
            Some(Context::Value),
            "()",
            false,
        ),
        (
            "fn f(&self, c: &wgrpc::Context)",
            None,
            Some(Context::Reference),
            "()",
            false,
        ),
        (
            "fn f(&self, a: Self) -> Vec<Self>",
            Some("Arith"),
            None,
            "Vec<Arith>",
            false,
        ),
        ("fn f(&self) -> Result<i64, Fault>", None, None, "i64", true),
        (
            "fn f(&self) -> wgrpc::Result<Option<i64>>",
            None,
            None,
            "Option<i64>",
            true,
        ),
        (
            "fn f(&self) -> Cow<'static, str>",
            None,
            None,
            "Cow<'static,str>",
            false,
        ),
    ] {
        let contract = with_methods(&format!("{method} {{}}"));
        assert!(contract.error.is_none(), "{method}");
        let parsed = &contract.methods[0];
        let written = |ty: &Type| ty.to_token_stream().to_string().replace(' ', "");
        let found = parsed
            .argument
            .as_ref()
            .map(|argument| written(&argument.ty));
        assert_eq!(found.as_deref(), argument, "{method}");
        assert!(parsed.context == context, "{method}");
        assert_eq!(written(&parsed.reply), reply, "{method}");
        assert_eq!(parsed.is_fallible, is_fallible, "{method}");
    }
}

#[test]
fn what_a_method_cannot_be_is_said_in_a_sentence() {
    for (method, reason) in [
        ("fn f(&mut self) {}", "keep what changes behind a lock"),
        (
            "fn f(self) {}",
            "the service is there for the next call too",
        ),
        ("fn f(self: Arc<Self>) {}", "takes `&self`"),
        ("#[method(name = \"F\")] fn f() {}", "takes `&self`"),
        ("unsafe fn f(&self) {}", "not `unsafe`"),
        ("const fn f(&self) {}", "not `const`"),
        ("extern \"C\" fn f(&self) {}", "not `extern`"),
        ("fn f<T>(&self, a: T) {}", "no type parameters"),
        ("fn f<const N: usize>(&self) {}", "no type parameters"),
        (
            "fn f(&self, a: i64, b: i64) {}",
            "put several into a struct with #[message]",
        ),
        (
            "fn f(&self, c: Context, a: i64) {}",
            "the context comes last",
        ),
        ("fn f(&self, a: &str) {}", "owns its argument: use `String`"),
        (
            "fn f(&self, a: &[i64]) {}",
            "owns its argument: use a `Vec`",
        ),
        (
            "fn f(&self, a: &Args) {}",
            "owns its argument: take it by value",
        ),
        (
            "fn f(&self, a: Option<&str>) {}",
            "an argument cannot borrow",
        ),
        (
            "fn f<'a>(&'a self, a: Cow<'a, str>) {}",
            "an argument cannot borrow",
        ),
        (
            "fn f(&self, a: impl Into<String>) {}",
            "an argument has one type",
        ),
        ("fn f(&self) -> &str {}", "a reply cannot borrow"),
        (
            "fn f(&self) -> Result<&str, Fault> {}",
            "a reply cannot borrow",
        ),
        (
            "fn f(&self) -> impl Future<Output = i64> {}",
            "for a future write `async fn`",
        ),
        (
            "fn f(&self) -> io::Result {}",
            "write the type of the reply",
        ),
        ("fn f(&self, a: Self::Args) {}", "name the type"),
        ("#[method(name = \"A.B\")] fn f(&self) {}", "has no dot"),
        ("#[method(name = \"\")] fn f(&self) {}", "the name is empty"),
        (
            "#[method(nmae = \"F\")] fn f(&self) {}",
            "takes `name = \"…\"`",
        ),
        ("fn _1(&self) {}", "no exported name"),
    ] {
        let refusal = refusal(method);
        assert!(refusal.contains(reason), "{method}: {refusal}");
    }
}

#[test]
fn what_a_service_cannot_be_is_said_in_a_sentence() {
    let name = Options::default;
    for (item, reason) in [
        (
            "impl Trait for Arith { fn f(&self) {} }",
            "on the trait itself",
        ),
        ("impl<'a> Arith<'a> { fn f(&self) {} }", "cannot borrow"),
        ("impl (A, B) { fn f(&self) {} }", "a struct or an enum"),
        ("impl Arith { fn new() {} }", "there is nothing to serve"),
        (
            "impl Arith { fn a_b(&self) {} fn aB(&self) {} }",
            "two methods are called `AB`",
        ),
        (
            "impl Arith { fn new(&self) {} }",
            "the client has a function of this name",
        ),
        (
            "impl<T> Api<T> { fn f(&self, a: Vec<T>) {} }",
            "the client cannot know `T`",
        ),
        (
            "impl<T> Api<T> { fn f(&self) -> Self {} }",
            "the client cannot know `T`",
        ),
    ] {
        let refusal = match of_impl(name(), item) {
            Ok(contract) => contract.error.expect(item).to_string(),
            Err(error) => error.to_string(),
        };
        assert!(refusal.contains(reason), "{item}: {refusal}");
    }
    for (item, reason) in [
        ("trait Arith<T> { fn f(&self); }", "no parameters"),
        (
            "trait Arith { type A; fn f(&self); }",
            "nothing but methods",
        ),
        ("trait Arith { fn f(&self) -> Self; }", "name the type"),
    ] {
        let refusal = match Contract::of_trait(name(), &syn::parse_str(item).unwrap()) {
            Ok(contract) => contract.error.expect(item).to_string(),
            Err(error) => error.to_string(),
        };
        assert!(refusal.contains(reason), "{item}: {refusal}");
    }
    let other = "impl<T> Api<T> { fn f(&self, a: T) {} }";
    let without_client = of_impl(options("client = false"), other).unwrap();
    assert!(without_client.error.is_none());
}

#[test]
fn every_mistake_is_shown_at_once() {
    let contract = with_methods("fn a(self) {} fn b(&self) {} fn c(&mut self) {}");
    assert_eq!(contract.methods.len(), 1);
    assert_eq!(contract.error.unwrap().into_iter().count(), 2);
}
