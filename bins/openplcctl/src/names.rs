//! From what a user types to a variable.

use openplc_wire::manifest::Variable;

/// Suggestions that are shown.
const MOST: usize = 5;

/// The variable that `name` means: by its whole path, else by the end of its path, else by its location.
///
/// # Errors
/// When no variable or more than one fits; the message names the nearest ones.
pub fn resolve<'a>(name: &str, variables: &'a [Variable]) -> Result<&'a Variable, String> {
    let wanted = name.to_ascii_uppercase();
    let ending = format!(".{wanted}");
    let exact = variables
        .iter()
        .find(|variable| variable.path.eq_ignore_ascii_case(&wanted));
    if let Some(variable) = exact {
        return Ok(variable);
    }
    let fits = |variable: &&Variable| {
        variable.path.to_ascii_uppercase().ends_with(&ending)
            || variable
                .location
                .as_ref()
                .is_some_and(|location| location.eq_ignore_ascii_case(&wanted))
    };
    let mut fitting = variables.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(variable), None) => Ok(variable),
        (Some(first), Some(second)) => {
            let paths: Vec<&str> = [first, second]
                .into_iter()
                .chain(fitting)
                .map(|variable| variable.path.as_str())
                .collect();
            Err(format!(
                "{name} is not unique, write more of its path: {}",
                list(&paths)
            ))
        }
        (None, _) => Err(match near(&wanted, variables) {
            paths if paths.is_empty() => {
                format!(
                    "There is no variable {name}; `openplcctl vars` lists all {}",
                    variables.len()
                )
            }
            paths => format!("There is no variable {name}. Did you mean {}?", list(&paths)),
        }),
    }
}

fn list(paths: &[&str]) -> String {
    let shown = paths.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Paths that contain what was typed or differ from it by a slip of the finger, best first.
fn near<'a>(wanted: &str, variables: &'a [Variable]) -> Vec<&'a str> {
    let depth = wanted.matches('.').count() + 1;
    let mut scored: Vec<(f64, &str)> = variables
        .iter()
        .filter_map(|variable| {
            let path = variable.path.to_ascii_uppercase();
            let ending = path.rsplitn(depth + 1, '.').take(depth).collect::<Vec<_>>();
            let ending = ending.into_iter().rev().collect::<Vec<_>>().join(".");
            let score = if path.contains(wanted) {
                1.0
            } else {
                strsim::normalized_damerau_levenshtein(wanted, &ending)
            };
            (score >= 0.6).then_some((score, variable.path.as_str()))
        })
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(MOST).map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Vec<Variable> {
        [
            "CONFIG0.SPEED",
            "CONFIG0.RES0.INSTANCE0.BLINK",
            "CONFIG0.RES0.INSTANCE0.TON0.ET",
            "CONFIG0.RES0.INSTANCE1.TON0.ET",
        ]
        .into_iter()
        .zip(0..)
        .map(|(path, index)| Variable {
            index,
            path: path.into(),
            iec_type: "BOOL".into(),
            retain: false,
            location: (index == 1).then(|| "%QX0.0".into()),
        })
        .collect()
    }

    #[test]
    fn a_unique_ending_a_whole_path_or_a_location_is_enough() {
        let variables = variables();
        for (name, index) in [
            ("blink", 1),
            ("Instance0.Blink", 1),
            ("CONFIG0.RES0.INSTANCE0.BLINK", 1),
            ("%qx0.0", 1),
            ("instance1.ton0.et", 3),
            ("config0.speed", 0),
        ] {
            assert_eq!(resolve(name, &variables).unwrap().index, index, "{name}");
        }
    }

    #[test]
    fn an_ending_must_begin_where_a_name_begins() {
        assert!(resolve("link", &variables()).is_err());
    }

    #[test]
    fn several_fitting_variables_are_listed() {
        let error = resolve("ton0.et", &variables()).unwrap_err();
        assert!(
            error.contains("INSTANCE0.TON0.ET, CONFIG0.RES0.INSTANCE1.TON0.ET"),
            "{error}"
        );
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        for slip in ["blnik", "instance0.blik", "bli", "link"] {
            let error = resolve(slip, &variables()).unwrap_err();
            assert!(
                error.contains("Did you mean CONFIG0.RES0.INSTANCE0.BLINK?"),
                "{slip}: {error}"
            );
        }
        assert!(
            resolve("nothing", &variables())
                .unwrap_err()
                .contains("lists all 4")
        );
        assert!(resolve("", &[]).is_err());
    }
}
