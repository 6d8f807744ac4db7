//! What to click at each identity provider, with the values it asks for, in its own words.

use crate::model::Profile;

/// A value to copy.
pub struct Value {
    /// What the provider calls the field.
    pub field: &'static str,
    /// What goes into it.
    pub value: String,
}

/// How one identity provider is connected.
pub struct Guide {
    /// Its name in forms.
    pub key: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// How it is to be spoken with.
    pub profile: Profile,
    /// The field for the base URL.
    base: &'static str,
    /// The field for the token.
    pub token: &'static str,
    /// Other fields, with what goes into them.
    fields: &'static [(&'static str, &'static str)],
    /// What to click, in order.
    pub steps: &'static [&'static str],
}

impl Guide {
    /// The values to copy, the token left out: it is shown once.
    pub fn values(&self, base_url: &str) -> Vec<Value> {
        let base = Value { field: self.base, value: base_url.to_owned() };
        let others = self.fields.iter().map(|(field, value)| Value { field, value: (*value).to_owned() });
        std::iter::once(base).chain(others).collect()
    }
}

/// Every provider there is a guide for; the last ones are for whoever is not among them.
pub const GUIDES: [Guide; 11] = [
    Guide {
        key: "okta",
        name: "Okta",
        profile: Profile::Okta,
        base: "SCIM connector base URL",
        token: "Authorization (HTTP Header)",
        fields: &[("Unique identifier field for users", "userName"), ("Authentication Mode", "HTTP Header")],
        steps: &[
            "In the Okta Admin Console open the application, tab General, App Settings, Edit, and choose SCIM.",
            "Tab Provisioning, Integration, Edit: fill in the values above; switch on Push New Users, Push Profile Updates \
             and Push Groups.",
            "Test Connector Configuration, then Save. This connection shows the request a second later.",
            "Provisioning, To App, Edit: switch on Create Users, Update User Attributes and Deactivate Users.",
            "Assign people under Assignments, and push the groups under Push Groups.",
        ],
    },
    Guide {
        key: "entra",
        name: "Microsoft Entra ID",
        profile: Profile::Entra,
        base: "Tenant URL",
        token: "Secret Token",
        fields: &[("Authentication method", "Bearer authentication")],
        steps: &[
            "In the Entra admin centre open Enterprise applications, your application, Provisioning, New configuration.",
            "Fill in the values above, then Test connection and Create.",
            "Attribute mapping: leave users and groups on; userName is userPrincipalName, externalId is objectId.",
            "Users and groups: assign who is to be provisioned. Overview: Start provisioning. A cycle comes every 40 minutes.",
        ],
    },
    Guide {
        key: "onelogin",
        name: "OneLogin",
        profile: Profile::Default,
        base: "SCIM Base URL",
        token: "SCIM Bearer Token",
        fields: &[],
        steps: &[
            "Administration, Applications, Add App: SCIM Provisioner with SAML (SCIM v2 Enterprise).",
            "Configuration: fill in the values above, then API Connection: Enable.",
            "Provisioning: Enable provisioning; for create, update and delete choose whether an administrator must approve.",
        ],
    },
    Guide {
        key: "google",
        name: "Google Workspace",
        profile: Profile::Default,
        base: "Endpoint URL",
        token: "Access token",
        fields: &[],
        steps: &[
            "Admin console, Apps, Web and mobile apps, your SAML application, Autoprovisioning: Set up.",
            "Fill in the values above and map the attributes; leave userName on the primary e-mail address.",
            "Deprovisioning: choose when somebody is suspended. Then switch autoprovisioning on.",
        ],
    },
    Guide {
        key: "jumpcloud",
        name: "JumpCloud",
        profile: Profile::Default,
        base: "Base URL",
        token: "Token Key",
        fields: &[("SCIM version", "SCIM 2.0")],
        steps: &[
            "SSO Applications, your application, Identity Management, Configuration settings.",
            "Fill in the values above, Test Connection, then Activate.",
            "Switch on management of user groups, and bind the groups under User Groups.",
        ],
    },
    Guide {
        key: "ping",
        name: "PingFederate and PingOne",
        profile: Profile::Default,
        base: "SCIM URL",
        token: "OAuth bearer token",
        fields: &[("Unique user identifier", "userName"), ("SCIM version", "2.0")],
        steps: &[
            "Make an outbound connection of type SCIM and fill in the values above.",
            "Map userName, name, e-mail address and active; choose Disable, not Delete, for people who leave.",
            "Add the users and groups to be provisioned, and activate the channel.",
        ],
    },
    Guide {
        key: "sailpoint",
        name: "SailPoint",
        profile: Profile::Default,
        base: "Base URL",
        token: "API token",
        fields: &[("Authentication type", "API token")],
        steps: &[
            "Connections, Sources, Create New: the SCIM 2.0 connector. Fill in the values above, then Test Connection.",
            "Account schema: take what it discovers; userName is the account's name. Aggregate accounts and entitlements.",
            "Create account: map userName, name, e-mail address. Switch on enabling and disabling.",
        ],
    },
    Guide {
        key: "rippling",
        name: "Rippling",
        profile: Profile::Default,
        base: "SCIM base URL",
        token: "Bearer token",
        fields: &[],
        steps: &[
            "IT, Custom integrations, your SAML application, SCIM provisioning.",
            "Fill in the values above and test. Choose who gets access and when it is removed.",
        ],
    },
    Guide {
        key: "authentik",
        name: "authentik, Keycloak, canaille, rauthy",
        profile: Profile::Default,
        base: "URL",
        token: "Token",
        fields: &[],
        steps: &[
            "authentik: Applications, Providers, Create, SCIM Provider; then add it to the application as backchannel provider.",
            "Keycloak: SCIM is spoken by an extension; fill the values into its user federation or event listener.",
            "canaille and rauthy: the values go into the client's SCIM settings.",
        ],
    },
    Guide {
        key: "default",
        name: "Another one",
        profile: Profile::Default,
        base: "Base URL",
        token: "Bearer token",
        fields: &[("Unique identifier", "userName")],
        steps: &[
            "Choose SCIM 2.0 as the provisioning connector of the application.",
            "Fill in the values above; the token is a bearer token.",
            "Let it create, update and deactivate users, and push groups. Send a test.",
        ],
    },
    Guide {
        key: "rfc",
        name: "A sender that keeps to RFC 7644 to the letter",
        profile: Profile::Rfc,
        base: "Base URL",
        token: "Bearer token",
        fields: &[],
        steps: &["Send requests as RFC 7644 has them; nothing beside it is tolerated."],
    },
];

/// The guide of this name in forms.
pub fn named(key: &str) -> Option<&'static Guide> {
    GUIDES.iter().find(|guide| guide.key == key)
}

/// The guides that fit a connection.
pub fn fitting(profile: Profile) -> impl Iterator<Item = &'static Guide> {
    GUIDES.iter().filter(move |guide| guide.profile == profile)
}
