/// An enum that may get values in a minor version. It keeps an unknown value as [`Other`](macro@open_enum).
///
/// On the wire it is a plain string. serde's own `#[serde(other)]` would lose the string.
///
/// With `in`, a second name, and a field for each value, the macro also makes a struct of the second name, with one `T` for
/// each value. Other crates cannot match on an open enum without `_`, so they would not notice a missing value. A struct
/// with a missing field does not compile.
macro_rules! open_enum {
    ($(#[doc = $doc:literal])+ $name:ident in $by:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $text:literal in $field:ident,)+
    }) => {
        open_enum!($(#[doc = $doc])+ $name { $($(#[$variant_doc])* $variant = $text,)+ });

        #[doc = concat!("One `T` for each [`", stringify!($name), "`].")]
        ///
        /// A crate that builds one has a part for each value, and the compiler names each missing field. Every version of
        /// this crate may add fields, so this is only for crates that are released together with it.
        #[derive(Clone, Debug)]
        pub struct $by<T> {
            $(#[doc = concat!("The `T` of `", $text, "`.")] pub $field: T,)+
            /// The `T` of all values that this version does not name.
            pub other: T,
        }

        impl<T> $by<T> {
            /// The `T` of this value.
            #[inline]
            pub const fn get(&self, value: &$name) -> &T {
                match value {
                    $($name::$variant => &self.$field,)+
                    $name::Other(_) => &self.other,
                }
            }

            /// The values of this version with their `T`, in the order of the list.
            pub fn iter(&self) -> impl Iterator<Item = ($name, &T)> {
                [$(($name::$variant, &self.$field)),+].into_iter()
            }
        }
    };
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        ///
        /// An open enum: a reader keeps a value that it does not know.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A value of a later version or of an extension, unchanged.
            Other(Box<str>),
        }

        impl $name {
            /// All values of this version.
            pub const KNOWN: &[&str] = &[$($text),+];

            /// The word on the wire and on the screen.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)+
                    $name::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                match text {
                    $($text => $name::$variant,)+
                    other => $name::Other(other.into()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                $crate::word::word(deserializer, |text| Ok($name::from(text)))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": concat!($($doc),+).trim(),
                    "type": "string",
                    "examples": $name::KNOWN,
                    "x-emit": $crate::schema::open_enum($name::KNOWN)
                })
            }
        }
    };
}

pub(crate) use open_enum;
