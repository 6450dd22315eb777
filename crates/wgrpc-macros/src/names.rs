//! Names: what serde's rules make of Rust's, and what Go would call them.
//!
//! The other side may be a Go program, which keeps only fields that begin with an upper-case
//! letter, and whose methods are written the same way.

use syn::Ident;
use syn::ext::IdentExt as _;

/// One of serde's `rename_all` rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl Case {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// What serde calls a field, whose Rust name it takes to be snake_case.
    pub(crate) fn of_field(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
            Self::Pascal => field.split('_').map(with_upper_first).collect(),
            Self::Camel => with_lower_first(&Self::Pascal.of_field(field)),
        }
    }

    /// What serde calls a variant, whose Rust name it takes to be PascalCase.
    pub(crate) fn of_variant(self, variant: &str) -> String {
        match self {
            Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => with_lower_first(variant),
            Self::Snake | Self::ScreamingSnake | Self::Kebab | Self::ScreamingKebab => {
                self.of_field(&snake(variant))
            }
        }
    }
}

/// The name without the `r#` that Rust needs.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The name that Go would use: as it is where it begins with an upper-case letter already, else
/// snake_case turned to PascalCase. `None` where that does not begin with an upper-case letter
/// either.
pub(crate) fn exported(name: &str) -> Option<String> {
    let begins_upper = |name: &str| name.starts_with(char::is_uppercase);
    if begins_upper(name) {
        return Some(name.to_owned());
    }
    let exported: String = name
        .split(|c: char| !c.is_alphanumeric())
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().into_iter().flat_map(char::to_uppercase);
            first.chain(chars)
        })
        .collect();
    begins_upper(&exported).then_some(exported)
}

/// With the first letter changed if it is ASCII, which is as far as serde goes.
fn with_upper_first(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

/// The opposite of [`with_upper_first`].
fn with_lower_first(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    word
}

/// PascalCase to snake_case, one underscore before each upper-case letter but the first.
fn snake(variant: &str) -> String {
    let mut snake = String::new();
    for (i, letter) in variant.char_indices() {
        if i > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_serde_names_them() {
        for (case, first, second) in [
            ("lowercase", "outcome", "very_tasty"),
            ("UPPERCASE", "OUTCOME", "VERY_TASTY"),
            ("PascalCase", "Outcome", "VeryTasty"),
            ("camelCase", "outcome", "veryTasty"),
            ("snake_case", "outcome", "very_tasty"),
            ("SCREAMING_SNAKE_CASE", "OUTCOME", "VERY_TASTY"),
            ("kebab-case", "outcome", "very-tasty"),
            ("SCREAMING-KEBAB-CASE", "OUTCOME", "VERY-TASTY"),
        ] {
            let case = Case::from_name(case).unwrap();
            assert_eq!(case.of_field("outcome"), first, "{case:?}");
            assert_eq!(case.of_field("very_tasty"), second, "{case:?}");
        }
        assert_eq!(Case::from_name("Title Case"), None);
    }

    #[test]
    fn variants_are_named_as_serde_names_them() {
        for (case, first, second) in [
            (Case::Lower, "outcome", "verytasty"),
            (Case::Upper, "OUTCOME", "VERYTASTY"),
            (Case::Pascal, "Outcome", "VeryTasty"),
            (Case::Camel, "outcome", "veryTasty"),
            (Case::Snake, "outcome", "very_tasty"),
            (Case::ScreamingSnake, "OUTCOME", "VERY_TASTY"),
            (Case::Kebab, "outcome", "very-tasty"),
            (Case::ScreamingKebab, "OUTCOME", "VERY-TASTY"),
        ] {
            assert_eq!(case.of_variant("Outcome"), first, "{case:?}");
            assert_eq!(case.of_variant("VeryTasty"), second, "{case:?}");
        }
    }

    #[test]
    fn names_are_exported_as_in_go() {
        for (name, expected) in [
            ("a", "A"),
            ("user_id", "UserId"),
            ("_private", "Private"),
            ("userId", "UserId"),
            ("user-id", "UserId"),
            ("UserID", "UserID"),
            ("A_b", "A_b"),
            ("x1_2", "X12"),
            ("état", "État"),
        ] {
            assert_eq!(exported(name).as_deref(), Some(expected));
        }
        for name in ["", "_", "1st", "_1", "日本"] {
            assert_eq!(exported(name), None, "{name}");
        }
        let raw: Ident = syn::parse_quote!(r#type);
        assert_eq!(exported(&plain(&raw)).as_deref(), Some("Type"));
    }
}
