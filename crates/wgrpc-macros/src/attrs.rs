//! What the attributes on a type, its variants and its fields say: `serde`, as far as it changes
//! the form of a value, and our own `gob`.
//!
//! serde's grammar is serde's to check, so what has no influence on the form is passed over. Ours
//! is checked here.

use proc_macro2::{Span, TokenStream};
use syn::meta::ParseNestedMeta;
use syn::parse::Parse;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, Expr, ExprPath, Ident, LitStr, Path, Result, Token, Type, WherePredicate,
};

use crate::names::{Case, plain};

/// What an attribute stands on. It decides which words of `gob` make sense there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Container,
    Variant,
    Field,
}

impl Place {
    /// The words that `gob` takes here.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Container => &[
                "name",
                "exact",
                "int",
                "interface",
                "as",
                "schema",
                "bound",
                "crate",
            ],
            Self::Variant | Self::Field => &["name", "as", "schema"],
        }
    }
}

/// The attributes of one type, variant or field.
#[derive(Default)]
pub(crate) struct Attrs {
    /// Every word that `serde` has here, also those that have no influence on the form.
    serde: Vec<String>,
    /// serde's own name for it.
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) rename_all_fields: Option<Case>,
    /// It is never written.
    pub(crate) skip: bool,
    pub(crate) flatten: bool,
    pub(crate) transparent: bool,
    /// The module or function that writes it in serde's place.
    pub(crate) with: Option<With>,
    /// The type that it is turned into before it is written.
    pub(crate) into: Option<Type>,
    /// Why it has no static form: it is tagged in a way that depends on the value.
    pub(crate) formless: Option<Error>,

    /// The name on the wire.
    pub(crate) name: Option<LitStr>,
    /// Names go out as serde has them.
    pub(crate) exact: bool,
    pub(crate) int: Option<Span>,
    pub(crate) interface: Option<Span>,
    /// Where the schema comes from, if not from its own type.
    pub(crate) source: Option<Source>,
    /// The bounds of the implementation, if not the derived ones.
    pub(crate) bound: Option<Punctuated<WherePredicate, Token![,]>>,
    pub(crate) krate: Option<Path>,
}

/// `with = "path"`, or `serialize_with = "path"`.
pub(crate) struct With {
    pub(crate) path: Path,
    /// Whether the path is that of a module.
    pub(crate) is_module: bool,
    pub(crate) span: Span,
}

/// Where a schema comes from.
pub(crate) enum Source {
    /// From a type.
    Type(Box<Type>),
    /// From a function of the builder.
    Function(ExprPath),
}

impl Attrs {
    pub(crate) fn parse(attrs: &[Attribute], place: Place) -> Result<Self> {
        let mut parsed = Self::default();
        for attr in attrs {
            if attr.path().is_ident("serde") {
                attr.parse_nested_meta(|meta| parsed.take_serde(&meta))?;
            } else if attr.path().is_ident("gob") {
                attr.parse_nested_meta(|meta| parsed.take_gob(&meta, place))?;
            }
        }
        Ok(parsed)
    }

    /// Whether `serde` is told `word` here.
    pub(crate) fn says(&self, word: &str) -> bool {
        self.serde.iter().any(|said| said == word)
    }

    /// serde's name for what Rust calls `ident`; `rule` applies a `rename_all`.
    pub(crate) fn serde_name(
        &self,
        ident: &Ident,
        rename_all: Option<Case>,
        rule: fn(Case, &str) -> String,
    ) -> String {
        let name = || plain(ident);
        (self.rename.clone())
            .unwrap_or_else(|| rename_all.map_or_else(name, |case| rule(case, &name())))
    }

    fn take_serde(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let Some(word) = meta.path.get_ident().map(ToString::to_string) else {
            return pass_over(meta);
        };
        match word.as_str() {
            "rename" => self.rename = serialized(meta)?.map(|name| name.value()),
            "rename_all" => self.rename_all = case(meta)?,
            "rename_all_fields" => self.rename_all_fields = case(meta)?,
            "skip" | "skip_serializing" => self.skip = true,
            "flatten" => self.flatten = true,
            "transparent" => self.transparent = true,
            "with" | "serialize_with" => {
                self.with = Some(With {
                    path: quoted(meta)?,
                    is_module: word == "with",
                    span: meta.path.span(),
                });
            }
            "into" => self.into = Some(quoted(meta)?),
            "tag" | "content" | "untagged" => {
                pass_over(meta)?;
                let reason = "gob sends a type before its values, and the form of this one depends \
                              on the value: remove `tag`, `content` and `untagged`, or say which \
                              type stands for it with #[gob(as = \"…\")]";
                self.formless = Some(Error::new(meta.path.span(), reason));
            }
            "remote" => {
                pass_over(meta)?;
                let reason = "a schema cannot be derived for a `remote` type: derive it for the \
                              type itself, or say #[gob(as = \"…\")] where it is used";
                self.formless = Some(Error::new(meta.path.span(), reason));
            }
            _ => pass_over(meta)?,
        }
        self.serde.push(word);
        Ok(())
    }

    fn take_gob(&mut self, meta: &ParseNestedMeta<'_>, place: Place) -> Result<()> {
        let word = meta.path.get_ident().map(ToString::to_string);
        let word = word.filter(|word| place.words().contains(&word.as_str()));
        match word.as_deref() {
            Some("name") => {
                let name: LitStr = meta.value()?.parse()?;
                if name.value().is_empty() {
                    return Err(Error::new(name.span(), "the name is empty"));
                }
                self.name = Some(name);
            }
            Some("exact") => self.exact = true,
            Some("int") => self.int = Some(meta.path.span()),
            Some("interface") => self.interface = Some(meta.path.span()),
            Some("as") => self.source = Some(Source::Type(Box::new(quoted(meta)?))),
            Some("schema") => self.source = Some(Source::Function(quoted(meta)?)),
            Some("bound") => {
                let text: LitStr = meta.value()?.parse()?;
                self.bound = Some(text.parse_with(Punctuated::parse_terminated)?);
            }
            Some("crate") => self.krate = Some(quoted(meta)?),
            _ => {
                let words = place.words().join("`, `");
                return Err(meta.error(format!("#[gob(…)] takes `{words}` here")));
            }
        }
        Ok(())
    }
}

/// The value of `word = "value"`, parsed.
fn quoted<T: Parse>(meta: &ParseNestedMeta<'_>) -> Result<T> {
    meta.value()?.parse::<LitStr>()?.parse()
}

/// The value of `word = "value"` or of `word(serialize = "value", …)`.
fn serialized(meta: &ParseNestedMeta<'_>) -> Result<Option<LitStr>> {
    if meta.input.peek(Token![=]) {
        return meta.value()?.parse().map(Some);
    }
    let mut value = None;
    meta.parse_nested_meta(|meta| {
        if meta.path.is_ident("serialize") {
            value = Some(meta.value()?.parse()?);
            Ok(())
        } else {
            pass_over(&meta)
        }
    })?;
    Ok(value)
}

fn case(meta: &ParseNestedMeta<'_>) -> Result<Option<Case>> {
    // serde itself complains about a rule that does not exist.
    Ok(serialized(meta)?.and_then(|rule| Case::from_name(&rule.value())))
}

/// Takes the rest of a word that has no influence.
pub(crate) fn pass_over(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    }
    Ok(())
}
