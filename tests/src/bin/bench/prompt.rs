//! What people paste into a prompt: output of the AWS command line among log lines, with as many identifiers as wanted.

use std::fmt::Write as _;

use serde_json::Value;

/// Lines with identifiers: `#` is 17 hex digits, `@` the end of an IPv4 address, [`ACCOUNT`] an account.
const LINES: [&str; 9] = [
    "INSTANCES\t0\tx86_64\tHVM\tTrue\txen\tami-#\ti-#\tt3.large\tkp-ops\t2026-02-11T09:14:07+00:00\trunning",
    "PRIVATEIPADDRESSES\tTrue\tip-internal.eu-west-1.compute.internal\t10.@",
    "  \"InstanceArn\": \"arn:aws:ec2:eu-west-1:123456789012:instance/i-#\",",
    "SECURITYGROUPS\tsg-#\tweb-frontend",
    "  \"SubnetId\": \"subnet-#\", \"VpcId\": \"vpc-#\",",
    "Mar 02 11:20:31 bastion sshd[2817]: Accepted publickey for deploy from 10.@ port 51124 ssh2",
    "BLOCKDEVICEMAPPINGS\t/dev/sda1\tattached\tTrue\tvol-#\t2026-02-11T09:14:08+00:00",
    "Snapshot snap-# of the data volume completed after 418 s",
    "NETWORKINTERFACES\teni-#\tin-use\tManaged by the load balancer",
];

/// Lines without.
const FILLER: [&str; 4] = [
    "MONITORING\tdisabled",
    "2026-03-02T11:20:44Z INFO  rollout: step 14 of 37 done in 812 ms, health checks passing, no drift",
    "TAGS\tName\tweb-frontend-blue   TAGS\tteam\tplatform   TAGS\tenv\tproduction",
    "Why does the target group report these hosts as unhealthy although the service answers on its port?",
];

const ACCOUNT: &str = "123456789012";

/// The text of a message.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) text: String,
    /// Every identifier as often as it stands in the text.
    pub(crate) ids: Vec<String>,
}

impl Prompt {
    /// A text that takes `size` bytes as a JSON string, quotes included, with `ids` identifiers all over it.
    pub(crate) fn new(size: usize, ids: usize) -> Self {
        let mut prompt = Self { text: String::new(), ids: Vec::with_capacity(ids) };
        let mut used = 2;
        let mut lines = LINES.iter().cycle();
        let mut filler = FILLER.iter().cycle();
        loop {
            let missing = ids - prompt.ids.len();
            // The identifiers keep pace with the text.
            let due = prompt.ids.len() * size <= used * ids;
            let candidates = if due && missing > 0 { lines.by_ref() } else { filler.by_ref() };
            let Some(line) = candidates.find(|line| places(line) <= missing) else { return prompt };
            let mut line = prompt.fill(line);
            line.push('\n');
            let length = escaped(&line);
            if used + length > size {
                prompt.text.extend(std::iter::repeat_n('.', size - used));
                return prompt;
            }
            used += length;
            prompt.text += &line;
        }
    }

    /// Puts identifiers into the places of a line.
    fn fill(&mut self, line: &str) -> String {
        let mut filled = String::new();
        for word in line.split_inclusive(|c: char| "\t \",:/".contains(c)) {
            let id = word.trim_end_matches(['\t', ' ', '"', ',', ':', '/']);
            let after = word.strip_prefix(id).unwrap_or_default();
            let id = self.id(id);
            // Writing to a string cannot fail.
            let _ = write!(filled, "{id}{after}");
        }
        filled
    }

    /// `word` with its place filled, noted when it has one.
    fn id(&mut self, word: &str) -> String {
        if places(word) == 0 {
            return word.to_owned();
        }
        let number = scatter(self.ids.len() as u64);
        let [a, b, c, ..] = number.to_le_bytes();
        let id = word.replace('#', &format!("{:017x}", number >> 4)).replace('@', &format!("{a}.{b}.{c}"));
        self.ids.push(id.clone());
        id
    }
}

fn places(text: &str) -> usize {
    text.matches(['#', '@']).count() + text.matches(ACCOUNT).count()
}

/// How many bytes `text` takes within a JSON string.
fn escaped(text: &str) -> usize {
    Value::from(text).to_string().len() - 2
}

/// Different for each number, and looking random (SplitMix64).
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_large_and_as_dense_as_asked_for() {
        for (size, ids) in [(4000, 3), (4000, 29), (65_000, 500)] {
            let prompt = Prompt::new(size, ids);
            assert_eq!(escaped(&prompt.text) + 2, size);
            assert_eq!(prompt.ids.len(), ids);
            assert!(prompt.ids.iter().all(|id| prompt.text.contains(id)));
            assert!(!prompt.text.contains(['#', '@']));
            let last = prompt.ids.last().and_then(|id| prompt.text.find(id));
            assert!(last.is_some_and(|last| last > size / 2), "they stand all over the text");
        }
    }
}
