#!/bin/sh
# Sends the TCP of everything in this network namespace to the transparent sidecar, and lets nothing go around it.
#
#   iptables.sh install [OPTION…]     before the application starts; again at any time, also with other options
#   iptables.sh check   [OPTION…]     says what differs from what `install` with these options would leave
#   iptables.sh remove                takes away what `install` made, also half of it
#
#   --uid UID             the user that Envoy runs as, 1337: its connections are the only ones that leave
#   --port PORT           where Envoy listens, on 127.0.0.1 and [::1]: 15001
#   --exclude-cidr CIDR   a network that applications reach without Envoy; repeatable, IPv4 and IPv6
#   --exclude-private     10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7
#   --udp reject|allow    UDP of applications, but DNS: `reject` (the default) or `allow`; port 443, QUIC, is always rejected
#   --backend nft|legacy  iptables-nft or iptables-legacy instead of what `iptables` is; `remove` cleans both
#   --dry-run             prints the rules and changes nothing; needs no privilege
#
# Exit code: 0 done, or as it should be; 1 `check` found differences; 2 it could not be done, and why.
#
# WHAT HAPPENS TO A PACKET THAT LEAVES
#   loopback                stays as it is, also to addresses of this machine
#   answers                 to connections that others made to an application here, since the rules are there: untouched
#   Envoy's own             goes out; but not to addresses where a cloud keeps credentials (link-local and the like, all ports
#                           but DNS), so that no answer of a name server can lead Envoy there; and no QUIC
#   --exclude-cidr          goes out, whatever it is. For 169.254.169.254/32: the application has its metadata, Envoy does not
#   DNS                     port 53, UDP and TCP, goes out
#   TCP                     to Envoy, which finds the destination by name; what was not redirected, like a connection
#                           older than these rules, is reset at its next packet
#   UDP                     rejected with port-unreachable, so that clients fall back to TCP at once. All ports, because WebRTC
#                           and QUIC may use any. Where DHCP, NTP or statsd share the namespace: exclude networks, or `allow`
#   ICMP, ICMPv6            goes out: path MTU and neighbour discovery need it
#   anything else           (SCTP, DCCP, GRE, ESP, raw IP) rejected
# If Envoy is not there, connections are refused. Where IPv6 has no nat table, the same rules refuse the application's IPv6,
# and clients fall back to IPv4; `install` says so.
#
# WHAT GOES AROUND IT. A process that runs as Envoy's uid (give Envoy a uid that nobody else has, and let no application
# change its user), one with CAP_NET_ADMIN (it can remove the rules) or CAP_NET_RAW (packet sockets know no iptables; Docker
# gives it by default: drop it), one that tunnels through port 53, and whatever enters a network namespace of its own.

set -eu

OUTPUT=CLOAKROOM_OUTPUT
ENVOY=CLOAKROOM_ENVOY
# Of connections, the highest bit: the ones that may leave.
MARK=0x80000000/0x80000000
# Seconds to wait for another iptables.
WAIT=30
# Where clouds keep credentials: AWS, Azure, Google, Oracle and Alibaba.
METADATA4="169.254.0.0/16 168.63.129.16/32 100.100.100.200/32 192.0.0.192/32"
METADATA6="fe80::/10 fd00:ec2::/32 fd20:ce::254/128"

main() {
  parse "$@"
  if [ "$dry_run" = yes ]; then
    [ "$action" != check ] || die "--dry-run does not go with check, which changes nothing anyway"
    "dry_run_$action"
    return
  fi
  find_tools
  may_change
  "$action"
}

# --- install, check, remove -----------------------------------------------------------------------------------------

install() {
  one_backend
  # The filter first: from then on nothing leaves that was not redirected, and nothing is redirected yet.
  apply 4 filter "$(wanted 4 filter)"
  apply 4 nat "$(wanted 4 nat)"
  if has_ipv6; then
    apply 6 filter "$(wanted 6 filter)"
    if ! why=$(restore 6 nat "$(wanted 6 nat)" 2>&1); then
      say "WARNING: no nat table for IPv6 ($(last_line "$why")): applications' IPv6 is refused, but for loopback and excluded networks"
    fi
  else
    say "this kernel has no IPv6: nothing to do for it"
  fi
  say "TCP of everybody but uid $uid goes to port $port"
}

check() {
  one_backend
  differences=$(
    compare 4 filter
    compare 4 nat
    if has_ipv6; then
      compare 6 filter
      if tool 6 -t nat -S OUTPUT >/dev/null 2>&1; then compare 6 nat; else say "no nat table for IPv6"; fi
    fi
  )
  [ -n "$differences" ] || return 0
  printf '%s\n' "$differences"
  exit 1
}

remove() {
  chosen=$backend
  for backend in nft legacy ""; do
    for family in 4 6; do
      command -v "$(name_of "$family")" >/dev/null || continue
      # Looking into a legacy table makes it: where there is none, there is nothing of ours.
      if [ "$(kind_of "$family")" = legacy ] && ! has_legacy_tables "$family"; then continue; fi
      for table in nat filter; do
        lines=$(leftovers "$family" "$table")
        [ -z "$lines" ] || apply "$family" "$table" "$lines"
      done
    done
  done
  backend=$chosen
}

dry_run_install() {
  for family in 4 6; do
    for table in filter nat; do
      printf '# %s --noflush -w %s\n*%s\n%s\nCOMMIT\n' \
        "$(name_of "$family" -restore)" "$WAIT" "$table" "$(wanted "$family" "$table")"
    done
  done
}

dry_run_remove() {
  for family in 4 6; do
    for table in nat filter; do
      printf '# %s --noflush -w %s, as far as these are there\n*%s\n-D OUTPUT -j %s\n' \
        "$(name_of "$family" -restore)" "$WAIT" "$table" "$OUTPUT"
      for chain in $(chains "$table"); do printf -- '-F %s\n' "$chain"; done
      for chain in $(chains "$table"); do printf -- '-X %s\n' "$chain"; done
      printf 'COMMIT\n'
    done
  done
}

# --- The rules, spelled as `iptables -S` spells them, because `check` compares the text ------------------------------

# wanted FAMILY TABLE: what iptables-restore is given. Chains that are declared are emptied, in the same transaction.
wanted() {
  for chain in $(chains "$2"); do printf ':%s - [0:0]\n' "$chain"; done
  # First of all, so that no other rule can let something out before.
  printf -- '-I OUTPUT 1 -j %s\n' "$OUTPUT"
  "rules_$2" "$1"
}

chains() {
  printf '%s\n' "$OUTPUT"
  [ "$1" = nat ] || printf '%s\n' "$ENVOY"
}

rules_nat() {
  excluded "$1"
  cat <<EOF
-A $OUTPUT -o lo -j RETURN
-A $OUTPUT -m owner --uid-owner $uid -j RETURN
$excluding-A $OUTPUT -p tcp -m tcp --dport 53 -j RETURN
-A $OUTPUT -p tcp -j REDIRECT --to-ports $port
EOF
}

rules_filter() {
  excluded "$1"
  case $1 in
  4) loopback=127.0.0.0/8 icmp=icmp unreachable=icmp-port-unreachable prohibited=icmp-proto-unreachable metadata=$METADATA4 ;;
  6) loopback=::1/128 icmp=ipv6-icmp unreachable=icmp6-port-unreachable prohibited=icmp6-adm-prohibited metadata=$METADATA6 ;;
  esac
  quic='' other_udp=''
  if [ "$udp" = allow ]; then
    quic='-m udp --dport 443 '
    other_udp="-A $OUTPUT -p udp -j RETURN
"
  fi
  # What nat has redirected is known by its destination: the interface is still the one that it had before. Packets without a
  # socket are the kernel's own ends of connections: the last data and the FIN of one that Envoy has closed, for example.
  #
  # Of a connection that is older than the rules the kernel may see the other side's packet first, and take it for one that
  # the other side made. So the direction alone says nothing: what was accepted here (its SYN,ACK was seen) is marked, and
  # what is Envoy's. Datagrams have no such beginning, but nobody asks from port 443.
  cat <<EOF
-A $OUTPUT -o lo -j RETURN
-A $OUTPUT -d $loopback -j RETURN
-A $OUTPUT -p tcp -m tcp --tcp-flags SYN,RST,ACK SYN,ACK -m conntrack --ctdir REPLY -j CONNMARK --set-xmark $MARK
-A $OUTPUT -p tcp -m conntrack --ctdir REPLY -m connmark --mark $MARK -j RETURN
-A $OUTPUT -p udp -m udp ! --dport 443 -m conntrack --ctdir REPLY -j RETURN
-A $OUTPUT -m owner --uid-owner $uid -g $ENVOY
$excluding-A $OUTPUT -p udp -m udp --dport 53 -j RETURN
-A $OUTPUT -p tcp -m tcp --dport 53 -j RETURN
-A $OUTPUT -p tcp -m conntrack --ctstate INVALID -j DROP
-A $OUTPUT -p tcp -m conntrack --ctstate ESTABLISHED -m connmark --mark $MARK -m owner ! --socket-exists -j RETURN
-A $OUTPUT -p tcp -j REJECT --reject-with tcp-reset
-A $OUTPUT -p udp $quic-j REJECT --reject-with $unreachable
$other_udp-A $OUTPUT -p $icmp -j RETURN
-A $OUTPUT -j REJECT --reject-with $prohibited
-A $ENVOY -p tcp -j CONNMARK --set-xmark $MARK
-A $ENVOY -p udp -m udp --dport 53 -j RETURN
-A $ENVOY -p tcp -m tcp --dport 53 -j RETURN
$(for address in $metadata; do printf -- '-A %s -d %s -j REJECT --reject-with %s\n' "$ENVOY" "$address" "$unreachable"; done)
-A $ENVOY -p udp -m udp --dport 443 -j REJECT --reject-with $unreachable
EOF
}

# excluded FAMILY: sets `excluding`, a line for each network.
excluded() {
  case $1 in 4) networks=$exclude4 ;; 6) networks=$exclude6 ;; esac
  excluding=''
  for network in $networks; do
    excluding="$excluding-A $OUTPUT -d $network -j RETURN
"
  done
}

# --- What is there ---------------------------------------------------------------------------------------------------

# apply FAMILY TABLE LINES: one transaction. What was there stays if it fails.
apply() {
  why=$(restore "$@" 2>&1) || die "$(name_of "$1" -restore) refused the table $2: $(last_line "$why")"
}

restore() {
  # Before iptables-restore begins: it holds the lock that this needs, too.
  old=$(jumps "$1" "$2")
  printf '*%s\n%s\n%s\nCOMMIT\n' "$2" "$old" "$3" | "$(name_of "$1" -restore)" --noflush -w "$WAIT"
}

# Takes out the jumps that are there: one, or more if somebody added some.
jumps() {
  tool "$1" -t "$2" -S OUTPUT 2>/dev/null | sed -n "s/^-A OUTPUT -j $OUTPUT\$/-D OUTPUT -j $OUTPUT/p"
}

# leftovers FAMILY TABLE: what `remove` has to do there beside the jumps.
leftovers() {
  ours=$(tool "$1" -t "$2" -S 2>/dev/null | sed -n 's/^-N \(CLOAKROOM_.*\)/\1/p')
  for chain in $ours; do printf -- '-F %s\n' "$chain"; done
  for chain in $ours; do printf -- '-X %s\n' "$chain"; done
}

compare() {
  # Some versions print the protocol's other name.
  there=$(tool "$1" -t "$2" -S 2>&1 | sed 's/-p icmpv6 /-p ipv6-icmp /') || true
  where="IPv$1 $2"
  output=$(printf '%s\n' "$there" | grep -e '^-A OUTPUT ') || true
  [ "$(printf '%s\n' "$output" | head -n 1)" = "-A OUTPUT -j $OUTPUT" ] ||
    printf '%s: the first rule of OUTPUT is not: -A OUTPUT -j %s\n' "$where" "$OUTPUT"
  [ "$(printf '%s\n' "$output" | grep -c -e "-[jg] $OUTPUT\$")" -le 1 ] || printf '%s: OUTPUT has several jumps to %s\n' "$where" "$OUTPUT"
  for chain in $(chains "$2"); do
    is=$(printf '%s\n' "$there" | grep -e "^-A $chain ") || true
    should=$("rules_$2" "$1" | grep -e "^-A $chain ")
    [ "$is" != "$should" ] || continue
    lines=$(
      not_in "$is" "$should" "$where: missing"
      not_in "$should" "$is" "$where: should not be there"
    )
    printf '%s\n' "${lines:-"$where: $chain has its rules in another order, or twice"}"
  done
}

# not_in HAYSTACK LINES WHAT: the lines that are not in the haystack, each said with WHAT.
not_in() {
  printf '%s\n' "$2" | haystack=$1 what=$3 awk '
    BEGIN { n = split(ENVIRON["haystack"], lines, "\n"); for (i = 1; i <= n; i++) there[lines[i]] }
    $0 != "" && !($0 in there) { print ENVIRON["what"] ": " $0 }'
}

# --- Tools -----------------------------------------------------------------------------------------------------------

# name_of FAMILY [SUFFIX]: iptables, ip6tables-nft-restore, …
name_of() {
  case $1 in 4) name=iptables ;; 6) name=ip6tables ;; esac
  printf '%s%s%s' "$name" "${backend:+-$backend}" "${2-}"
}

tool() {
  command=$(name_of "$1")
  shift
  "$command" -w "$WAIT" "$@"
}

kind_of() {
  case $("$(name_of "$1")" --version 2>/dev/null) in *nf_tables*) echo nft ;; *) echo legacy ;; esac
}

find_tools() {
  for family in 4 6; do
    [ "$family" = 4 ] || has_ipv6 || continue
    for suffix in "" -restore; do
      name=$(name_of "$family" "$suffix")
      command -v "$name" >/dev/null ||
        die "$name is missing: install iptables (Debian: apt-get install iptables; Alpine: apk add iptables)"
    done
  done
}

# The kernel obeys both; which of them is to hold our rules is then for people to say.
one_backend() {
  [ -z "$backend" ] || return 0
  for family in 4 6; do
    has_ipv6 || [ "$family" = 4 ] || continue
    case $(kind_of "$family") in nft) other=legacy ;; *) other=nft ;; esac
    name=$(backend=$other && name_of "$family" -save)
    command -v "$name" >/dev/null || continue
    [ "$other" = nft ] || has_legacy_tables "$family" || continue
    if "$name" 2>/dev/null | grep -q -e '^-A '; then
      die "$name shows rules, but $(name_of "$family") is not iptables-$other: choose with --backend nft or --backend legacy"
    fi
  done
}

has_legacy_tables() {
  case $1 in 4) names=/proc/net/ip_tables_names ;; 6) names=/proc/net/ip6_tables_names ;; esac
  [ -n "$(cat "$names" 2>/dev/null)" ]
}

has_ipv6() {
  [ -e /proc/net/if_inet6 ]
}

# CAP_NET_ADMIN is bit 12 of the effective capabilities.
may_change() {
  bits=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
  case $bits in *[13579bdfBDF]???) ;; *)
    die "this needs CAP_NET_ADMIN: run it as root, in a container with the capabilities NET_ADMIN and NET_RAW" ;;
  esac
}

# --- Command line ----------------------------------------------------------------------------------------------------

parse() {
  action='' uid=1337 port=15001 udp=reject backend='' dry_run=no exclude4='' exclude6=''
  case ${1-} in
  install | check | remove) action=$1 ;;
  -h | --help | help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" && exit 0 ;;
  "") die "say install, check or remove; --help tells more" ;;
  *) die "$1 is not install, check or remove; --help tells more" ;;
  esac
  shift
  while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    --dry-run) dry_run=yes && continue ;;
    --exclude-private)
      for network in 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7; do exclude "$network"; done
      continue
      ;;
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" && exit 0 ;;
    --uid | --port | --exclude-cidr | --udp | --backend) ;;
    *) die "unknown option $option; --help has the list" ;;
    esac
    [ $# -gt 0 ] || die "$option wants a value"
    value=$1
    shift
    case $option in
    --uid)
      number "$value" 4294967294 || die "--uid $value: a user id is a number from 1 to 4294967294 (for root, all of root would go around Envoy)"
      uid=$value
      ;;
    --port)
      number "$value" 65535 || die "--port $value: a port is a number from 1 to 65535"
      port=$value
      ;;
    --exclude-cidr) exclude "$value" ;;
    --udp)
      case $value in reject | allow) udp=$value ;; *) die "--udp $value: say reject or allow" ;; esac
      ;;
    --backend)
      case $value in nft | legacy) backend=$value ;; *) die "--backend $value: say nft or legacy" ;; esac
      ;;
    esac
  done
}

# number TEXT MAXIMUM
number() {
  case $1 in "" | 0* | *[!0-9]* | ???????????*) return 1 ;; esac
  [ "$1" -le "$2" ]
}

exclude() {
  network=$(canonical "$1") || die "--exclude-cidr $1: $network"
  case $network in
  *:*) case " $exclude6 " in *" $network "*) ;; *) exclude6="$exclude6 $network" ;; esac ;;
  *) case " $exclude4 " in *" $network "*) ;; *) exclude4="$exclude4 $network" ;; esac ;;
  esac
}

# The network as iptables prints it; or what is wrong with it, and exit code 1.
canonical() {
  printf '%s\n' "$1" | awk '
    function no_network() { wrong("not a network; 10.0.0.0/8 and fd00::/8 are") }
    function wrong(what) { print what; failed = 1; exit 1 }
    function power(n,  p) { for (p = 1; n > 0; n--) p *= 2; return p }
    # Both kinds: `count` parts of `bits` bits in part[]; what lies outside the prefix must be zero.
    function mask(count, bits,  i, keep) {
      for (i = 1; i <= count; i++) {
        keep = prefix - (i - 1) * bits
        if (keep < 0) keep = 0
        if (keep < bits && part[i] % power(bits - keep)) { part[i] -= part[i] % power(bits - keep); outside = 1 }
      }
    }
    function hex(text,  i, value) {
      if (text !~ /^[0-9a-f]+$/ || length(text) > 4) no_network()
      for (i = 1; i <= length(text); i++) value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
      return value
    }
    function v4(address,  i) {
      if (split(address, part, ".") != 4) no_network()
      for (i = 1; i <= 4; i++)
        if (part[i] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || part[i] > 255) no_network()
      mask(4, 8)
      return part[1] "." part[2] "." part[3] "." part[4]
    }
    function v6(address,  i, halves, left, right, text, best, length_of, run) {
      halves = split(address, side, "::")
      if (halves > 2) no_network()
      left = side[1] == "" ? 0 : split(side[1], before, ":")
      right = halves < 2 || side[2] == "" ? 0 : split(side[2], behind, ":")
      if (halves == 1 ? left != 8 : left + right > 7) no_network()
      for (i = 1; i <= 8; i++) part[i] = 0
      for (i = 1; i <= left; i++) part[i] = hex(before[i])
      for (i = 1; i <= right; i++) part[8 - right + i] = hex(behind[i])
      if (!(part[1] + part[2] + part[3] + part[4] + part[5])) wrong("not a network of IPv6 hosts; write IPv4 as 192.0.2.0/24")
      mask(8, 16)
      # The longest run of zeros, the first of equals, is written "::".
      for (i = 1; i <= 8; i++) {
        for (run = 0; i + run <= 8 && part[i + run] == 0; run++) ;
        if (run > 1 && run > length_of) { best = i; length_of = run }
      }
      for (i = 1; i <= 8; i++) {
        if (i == best) { text = text "::"; i += length_of - 1; continue }
        text = text (text == "" || text ~ /::$/ ? "" : ":") sprintf("%x", part[i])
      }
      return text
    }
    {
      $0 = tolower($0)
      if (split($0, half, "/") > 2 || $0 ~ /[^0-9a-f:.\/]/ || half[1] == "") no_network()
      whole = half[1] ~ /:/ ? 128 : 32
      if ($0 !~ /\//) half[2] = whole
      if (half[2] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || half[2] > whole) wrong("the prefix is a number from 1 to " whole)
      if (half[2] == 0) wrong("that excludes everything: to have no interception, remove it")
      prefix = half[2] + 0
      network = (whole == 128 ? v6(half[1]) : v4(half[1])) "/" prefix
      if (outside) wrong("it has bits outside its prefix; is " network " meant?")
      print network
    }
    END { exit failed }'
}

say() {
  printf 'iptables.sh: %s\n' "$*" >&2
}

die() {
  say "$*"
  exit 2
}

last_line() {
  printf '%s\n' "$1" | sed '/^[[:space:]]*$/d' | tail -n 1
}

main "$@"
