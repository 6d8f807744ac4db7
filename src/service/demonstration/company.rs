//! Who works at the company, and where: made up from a seed.

use std::collections::BTreeSet;

use super::dice::Dice;

/// The domain everybody has an address at.
pub(super) const DOMAIN: &str = "kestrel.example";

/// A team: a group of its identity provider, and how its people are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Team {
    /// The group's displayName.
    pub group: &'static str,
    /// The people's department.
    pub department: &'static str,
    /// What they may be called.
    pub titles: &'static [&'static str],
    /// How many there are at the beginning.
    pub people: usize,
}

const fn team(group: &'static str, department: &'static str, titles: &'static [&'static str], people: usize) -> Team {
    Team { group, department, titles, people }
}

const ENGINEERS: &[&str] = &["Software engineer", "Senior software engineer", "Staff engineer", "Engineering manager"];

/// The teams that Okta provisions.
pub(super) const OKTA_TEAMS: [Team; 18] = [
    team("eng-billing", "Billing", ENGINEERS, 16),
    team("eng-booking", "Booking", ENGINEERS, 15),
    team("eng-tracking", "Tracking", ENGINEERS, 14),
    team("eng-customs", "Customs", ENGINEERS, 12),
    team("eng-warehouse", "Warehouse", ENGINEERS, 14),
    team("eng-platform", "Platform", ENGINEERS, 12),
    team("sre", "Platform", &["Site reliability engineer", "Senior site reliability engineer"], 8),
    team("release-managers", "Platform", &["Release manager"], 4),
    team("security", "Security", &["Security engineer", "Identity engineer"], 6),
    team("data", "Data", &["Data engineer", "Analyst"], 9),
    team("qa", "Quality", &["Test engineer", "Quality lead"], 9),
    team("product", "Product", &["Product manager"], 10),
    team("design", "Product", &["Designer", "Researcher"], 6),
    team("support", "Customer care", &["Support specialist", "Support lead"], 16),
    team("finance", "Finance", &["Accountant", "Controller"], 9),
    team("sales", "Sales", &["Account manager"], 12),
    team("people-operations", "People", &["People partner"], 5),
    team("leadership", "Leadership", &["Director", "Vice president"], 5),
];

/// The teams of a company that was bought, which Entra ID provisions.
pub(super) const ENTRA_TEAMS: [Team; 2] = [
    team("Fathom Developers", "Fathom", ENGINEERS, 32),
    team("Fathom Operations", "Fathom", &["Operations engineer"], 13),
];

/// Those who work for a while, whom OneLogin provisions.
pub(super) const CONTRACTOR_TEAMS: [Team; 1] =
    [team("Contractors", "Warehouse", &["Contract engineer", "Contract tester"], 14)];

/// People about whom something is told.
pub(super) mod known {
    /// Administers; may deploy nothing.
    pub const DANA: usize = 0;
    /// The other administrator.
    pub const KOFI: usize = 1;
    /// Went from reliability to release management and kept what it had.
    pub const INES: usize = 2;
    /// Owns a service, and leaves.
    pub const TOMASZ: usize = 3;
    /// Releases the warehouse, and stays.
    pub const PRIYA: usize = 4;
    /// Released the warehouse, and leaves.
    pub const LARS: usize = 5;
    /// Covered for somebody until a day that is over.
    pub const ROSA: usize = 6;
    /// Was a contractor and was hired.
    pub const MEI: usize = 7;
    /// On call for billing.
    pub const AMARA: usize = 8;
    /// On call for the platform.
    pub const JONAS: usize = 9;
    /// How many they are.
    pub const COUNT: usize = 10;
}

const KNOWN: [(&str, &str, usize, &str); known::COUNT] = [
    ("Dana", "Whitfield", 8, "Identity engineer"),
    ("Kofi", "Mensah", 8, "Security lead"),
    ("Inês", "Carvalho", 6, "Senior site reliability engineer"),
    ("Tomasz", "Wilk", 9, "Data engineer"),
    ("Priya", "Raman", 4, "Engineering manager"),
    ("Lars", "Holm", 4, "Staff engineer"),
    ("Rosa", "Lindqvist", 3, "Senior software engineer"),
    ("Mei", "Tanaka", 4, "Software engineer"),
    ("Amara", "Okafor", 0, "Senior software engineer"),
    ("Jonas", "Becker", 6, "Site reliability engineer"),
];

const GIVEN: [&str; 64] = [
    "Ada",
    "Aiko",
    "Alejandro",
    "Amina",
    "Anders",
    "Anna",
    "Arjun",
    "Beatriz",
    "Björn",
    "Camille",
    "Carlos",
    "Chiara",
    "Daniel",
    "David",
    "Elif",
    "Elena",
    "Emil",
    "Emma",
    "Esther",
    "Farah",
    "Felix",
    "Fiona",
    "Grace",
    "Hana",
    "Hassan",
    "Hugo",
    "Ibrahim",
    "Ida",
    "Isabel",
    "Ivan",
    "Jack",
    "Jasmin",
    "João",
    "Julia",
    "Kaito",
    "Karim",
    "Katarzyna",
    "Kenji",
    "Laila",
    "Leon",
    "Liam",
    "Lucía",
    "Magnus",
    "Maya",
    "Mateo",
    "Mira",
    "Nadia",
    "Noah",
    "Nora",
    "Olga",
    "Oscar",
    "Paul",
    "Pia",
    "Rahul",
    "Sara",
    "Sofia",
    "Stefan",
    "Tara",
    "Theo",
    "Uma",
    "Viktor",
    "Yara",
    "Yusuf",
    "Zoë",
];

const FAMILY: [&str; 72] = [
    "Abebe",
    "Adeyemi",
    "Ahmed",
    "Andersen",
    "Bauer",
    "Bergström",
    "Bianchi",
    "Brennan",
    "Castillo",
    "Chen",
    "Costa",
    "Dahl",
    "Das",
    "Dubois",
    "Eriksen",
    "Evans",
    "Ferrari",
    "Fischer",
    "Fournier",
    "García",
    "Gruber",
    "Haddad",
    "Hansen",
    "Hughes",
    "Ibarra",
    "Ito",
    "Jansen",
    "Jensen",
    "Kaya",
    "Keller",
    "Khan",
    "Kim",
    "Kovács",
    "Kowalska",
    "Kumar",
    "Laurent",
    "Lee",
    "Lehmann",
    "Lopez",
    "Marino",
    "Martin",
    "Mehta",
    "Meyer",
    "Moreau",
    "Murphy",
    "Nakamura",
    "Ndiaye",
    "Nguyen",
    "Nielsen",
    "Novak",
    "Nowak",
    "O'Connor",
    "Olsen",
    "Park",
    "Patel",
    "Pereira",
    "Petrov",
    "Popescu",
    "Reyes",
    "Rossi",
    "Sato",
    "Schmidt",
    "Silva",
    "Singh",
    "Svensson",
    "Tremblay",
    "Varga",
    "Virtanen",
    "Weber",
    "Wójcik",
    "Yamamoto",
    "Yılmaz",
];

const COUNTRIES: [(&str, &str, &str); 5] = [
    ("NL", "Rotterdam", "Europe/Amsterdam"),
    ("DE", "Hamburg", "Europe/Berlin"),
    ("PT", "Porto", "Europe/Lisbon"),
    ("GB", "Bristol", "Europe/London"),
    ("PL", "Gdańsk", "Europe/Warsaw"),
];

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub given: String,
    pub family: String,
    pub user_name: String,
    pub title: &'static str,
    pub department: &'static str,
    /// The displayName of the group of the team.
    pub group: &'static str,
    pub number: usize,
    pub country: &'static str,
    pub city: &'static str,
    pub timezone: &'static str,
}

/// Everybody, in the order in which they were thought of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Company {
    pub people: Vec<Person>,
    taken: BTreeSet<String>,
}

impl Company {
    /// With the people who are known, and nobody else.
    pub(super) fn new(dice: &mut Dice) -> Self {
        let mut company = Self::default();
        for (given, family, team, title) in KNOWN {
            if let Some(team) = OKTA_TEAMS.get(team) {
                company.add(dice, (given, family), team, Some(title));
            }
        }
        company
    }

    /// Somebody new in a team; the number of the person.
    pub(super) fn hire(&mut self, dice: &mut Dice, team: &Team) -> usize {
        loop {
            let (given, family) = (dice.pick(&GIVEN), dice.pick(&FAMILY));
            if !self.taken.contains(&user_name(given, family)) {
                return self.add(dice, (given, family), team, None);
            }
        }
    }

    fn add(
        &mut self,
        dice: &mut Dice,
        (given, family): (&'static str, &'static str),
        team: &Team,
        title: Option<&'static str>,
    ) -> usize {
        let number = self.people.len();
        let (country, city, timezone) =
            COUNTRIES.get(dice.below(COUNTRIES.len())).copied().unwrap_or(("NL", "Rotterdam", "Europe/Amsterdam"));
        let user_name = user_name(given, family);
        self.taken.insert(user_name.clone());
        self.people.push(Person {
            given: given.to_owned(),
            family: family.to_owned(),
            user_name,
            title: title.unwrap_or_else(|| dice.pick(team.titles)),
            department: team.department,
            group: team.group,
            number,
            country,
            city,
            timezone,
        });
        number
    }

    pub(super) fn get(&self, number: usize) -> Option<&Person> {
        self.people.get(number)
    }

    /// Gives a person to another team.
    pub(super) fn transfer(&mut self, dice: &mut Dice, number: usize, team: &Team) {
        if let Some(person) = self.people.get_mut(number) {
            (person.group, person.department, person.title) = (team.group, team.department, dice.pick(team.titles));
        }
    }
}

/// `ines.carvalho@kestrel.example`: letters without their marks.
fn user_name(given: &str, family: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let plain =
        |text: &str| -> String { text.nfd().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase() };
    format!("{}.{}@{DOMAIN}", plain(given), plain(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everybody(seed: u64) -> Company {
        let mut dice = Dice::new(seed);
        let mut company = Company::new(&mut dice);
        for team in OKTA_TEAMS.iter().chain(&ENTRA_TEAMS) {
            for _ in 0..team.people {
                company.hire(&mut dice, team);
            }
        }
        company
    }

    #[test]
    fn the_same_seed_makes_the_same_company_and_another_another() {
        assert_eq!(everybody(7), everybody(7));
        assert_ne!(everybody(7), everybody(8));
    }

    #[test]
    fn nobody_bears_the_name_of_somebody_else() {
        let company = everybody(1);
        let names: BTreeSet<&str> = company.people.iter().map(|person| person.user_name.as_str()).collect();
        assert_eq!(names.len(), company.people.len());
        assert!(names.contains("ines.carvalho@kestrel.example"));
        assert!(names.iter().all(|name| name.is_ascii()));
    }
}
