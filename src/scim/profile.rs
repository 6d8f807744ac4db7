//! How a connection behaves where identity providers contradict each other and the RFC: one table, a line a switch, a
//! column a profile. Every place that tolerates or refuses something by profile asks its switch here;
//! `docs/profiles.md` is the same table for users.

use crate::model::Profile;

macro_rules! position {
    (yes) => {
        true
    };
    (no) => {
        false
    };
}

macro_rules! switches {
    ($($(#[doc = $words:literal])+ $name:ident: $default:ident $rfc:ident $okta:ident $entra:ident $interop:ident;)+) => {
        /// The switches of one profile.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Switches {
            $($(#[doc = $words])+ pub $name: bool,)+
        }

        impl Switches {
            /// Takes everything every known identity provider sends.
            pub const DEFAULT: Self = Self { $($name: position!($default),)+ };
            /// RFC 7643 and 7644 to the letter.
            pub const RFC: Self = Self { $($name: position!($rfc),)+ };
            /// Okta.
            pub const OKTA: Self = Self { $($name: position!($okta),)+ };
            /// Microsoft Entra ID.
            pub const ENTRA: Self = Self { $($name: position!($entra),)+ };
            /// The SCIM 2.0 Interoperability Profile, which the IPSIE profile builds on.
            pub const INTEROP: Self = Self { $($name: position!($interop),)+ };
        }
    };
}

switches! {
//                                                     default rfc okta entra interop

    /// Empty segments in the path of a URL are passed over: a base URL typed with a slash at its end makes `//Users`.
    empty_path_segments:                               yes     no  yes  yes   no;
    /// A body may come as `application/json` (else as `application/scim+json` only).
    plain_json_bodies:                                 yes     yes yes  yes   no;
    /// A body may come without a `Content-Type`.
    untyped_bodies:                                    yes     no  no   no    no;
    /// The names of query parameters are read in any letter case (`startindex`).
    parameter_names_in_any_case:                       yes     no  no   yes   no;
    /// A `+` that stands in a filter unescaped is tried as itself where the reading as a space finds nobody.
    raw_plus_signs_in_filters:                         yes     no  no   no    no;

    /// Text and numbers to compare with text may stand in a filter without quotes (`userName eq alice`).
    unquoted_filter_values:                            yes     no  no   yes   no;
    /// `emails[type eq "work"].value eq "x"` is taken for `emails[type eq "work" and value eq "x"]`.
    comparisons_behind_value_filters:                  yes     no  yes  yes   no;
    /// `"True"` and `"False"`, in any letter case, are taken for booleans, in bodies and in filters.
    booleans_as_text:                                  yes     no  no   yes   no;
    /// An attribute of one extension is found without the URN (`manager`).
    extension_attributes_without_urn:                  yes     no  no   yes   no;
    /// A URN may be followed by a dot instead of a colon (`urn:…:User.manager`).
    dots_behind_urns:                                  yes     no  no   yes   no;

    /// `schemas` may be missing, or leave out a schema the body uses.
    incomplete_schemas:                                yes     no  yes  yes   no;
    /// URIs in `schemas` that name no schema here are ignored (else 400 `invalidSyntax`).
    unknown_schemas_ignored:                           yes     no  yes  yes   no;
    /// Attributes no schema has are ignored in bodies and values (else 400 `invalidSyntax`, in paths too).
    unknown_attributes_ignored:                        yes     yes yes  yes   no;
    /// Keys in bodies and values may be paths (`name.givenName`, `urn:…:User:department`).
    paths_as_keys:                                     yes     no  no   yes   no;
    /// Core attributes may stand in an object under the URN of the core schema.
    core_attributes_under_urn:                         yes     no  no   no    no;
    /// An object may be sent as the text of its `value` (`"manager": "271"`).
    text_for_objects:                                  yes     no  no   yes   no;
    /// A single object may be sent as a list of one.
    lists_for_objects:                                 yes     no  no   yes   no;
    /// A list of one may be sent as the value alone.
    single_values_for_lists:                           yes     no  no   yes   no;
    /// A `value` may be text that holds the whole object as JSON, as Entra sends app roles.
    objects_packed_in_text:                            yes     no  no   yes   no;
    /// The sub-attribute `display` may be called `displayName`.
    display_called_display_name:                       yes     no  no   yes   no;
    /// Ids of members are read in any letter case, with spaces around them.
    member_ids_in_any_case:                            yes     no  no   no    no;
    /// `password` is accepted and thrown away (else there is no such attribute, in `/Schemas` neither).
    password_thrown_away:                              yes     yes yes  yes   no;

    /// `op` is read in any letter case (`Replace`).
    operations_in_any_case:                            yes     no  no   yes   no;
    /// A list of operations will do where the whole PATCH message is due.
    operations_without_message:                        yes     no  no   no    no;
    /// An empty `path` is taken for none.
    empty_paths:                                       yes     no  no   no    no;
    /// An operation may have no path; its value is merged into the resource (else 400 `invalidSyntax`).
    operations_without_path:                           yes     yes yes  yes   no;
    /// What only the server writes is ignored in a value without a path (else 400 `mutability`).
    read_only_values_ignored:                          yes     no  yes  yes   no;
    /// `remove` may name values, and removes those only (else 400 `invalidValue`).
    removal_of_named_values:                           yes     no  no   yes   no;
    /// A value filter of `eq` terms that matches nothing makes the value (else 400 `noTarget`).
    missing_values_made:                               yes     no  yes  yes   no;
    /// A value filter may match several values, and all are changed (else 400 `invalidFilter`).
    several_targets:                                   yes     yes yes  yes   no;
    /// A value filter may choose whole values (else a sub-attribute must follow; members may always be chosen).
    whole_values_as_targets:                           yes     yes yes  yes   no;
    /// `replace` of a complex attribute keeps the sub-attributes it does not name (else they are gone).
    replace_keeps_the_rest:                            yes     yes yes  yes   no;
    /// A PATCH of a small group is answered with the group (else 204, unless attributes are asked for).
    groups_in_patch_answers:                           yes     yes yes  no    yes;

    /// `displayName` of groups is unique within the connection, without regard to letter case.
    unique_group_names:                                yes     no  yes  yes   yes;
    /// `/ServiceProviderConfig` says `pagination` (RFC 9865 §4). Clients made before it may refuse a member they do not know.
    cursors_announced:                                 yes     yes no   yes   yes;
    /// `/ServiceProviderConfig` says that entity tags are supported. They always are; a client that is told may send
    /// `If-Match` with a version of its own making.
    entity_tags_announced:                             yes     yes no   yes   yes;
    /// `/ServiceProviderConfig` says `interopProfileConformant`.
    interop_profile_announced:                         no      no  no   no    yes;
}

impl Profile {
    /// How it behaves.
    pub const fn switches(self) -> &'static Switches {
        match self {
            Self::Default => &Switches::DEFAULT,
            // What the server itself brings from GitHub needs no tolerance; its names are what they are, unique or not.
            Self::Rfc | Self::Github => &Switches::RFC,
            Self::Okta => &Switches::OKTA,
            Self::Entra => &Switches::ENTRA,
            Self::Interop => &Switches::INTEROP,
        }
    }
}
