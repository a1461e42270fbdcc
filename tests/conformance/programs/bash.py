"""The programs in Bash."""

from tests.conformance.programs import Programs

KILL = """\
echo before
kill -{short} $$
sleep 3600
"""

PROGRAMS = Programs(
    language="bash",
    names=("bash", "sh"),
    compiles=False,
    start=2.0,
    hello="""\
echo 'Hello, World!'
echo 'a word' >&2
""",
    exit="""\
echo before
exit "$1"
""",
    signals={
        f"SIG{short}": KILL.format(short=short) for short in ("TERM", "SEGV", "KILL", "ABRT", "HUP")
    },
    broken="if true; then\necho never\n",
    complaint="main.sh: line 3: syntax error",
    complain="""\
cat words.txt >&2
exit 1
""",
    hang="""\
echo ready
echo waiting >&2
while :; do sleep 1; done
""",
    hog="""\
echo ready
printf -v block '%*s' $((1 << 20)) ''
hoard=()
while :; do hoard+=("$block"); done
""",
    touch="""\
printf -v block '%*s' $((1 << 20)) ''
hoard=()
for ((i = 0; i < $1; i++)); do hoard[i]=$block; done
echo done
""",
    flood="""\
printf -v block '0123456789%.0s' {1..100}
[[ $1 == stderr ]] && exec >&2
for ((left = $2; left > 0; left -= size)); do
    size=$((left % 1000 ? left % 1000 : 1000))
    printf %s "${block:0:size}"
done
""",
    busy="""\
used() { times >/tmp/times; IFS='ms. ' read -r _ user part _ system more _ </tmp/times; }
while used; ((1${part}+1${more} - 2000 + (user + system) * 1000 < 1000)); do
    for ((i = 0; i < 20000; i++)); do :; done
done
echo done
""",
    cat="""\
cat
""",
    words="""\
for word; do printf '%s\\0' "$word"; done
""",
    variable="""\
printf %s "${!1}"
""",
    split="""\
printf '\\xc3'
read -r line
printf '\\xa9\\n'
""",
    talk="""\
echo ready
while read -r line; do echo "got $line"; done
""",
    clock="""\
echo "$EPOCHREALTIME"
sleep "$1"
echo "$EPOCHREALTIME"
""",
    write="""\
mkdir -p out/deep
echo top >top.txt
echo text >out/text.txt
for i in {0..255}; do
    printf -v byte '\\\\x%02x' "$i"
    printf "$byte"
done >out/deep/bytes.bin
ln -s /etc/passwd out/link.txt
exit 3
""",
    project={
        "main.sh": '. parts/words.sh\necho "$(phrase)"\n',
        "parts/words.sh": 'phrase() { echo "whole $(<data/noun.txt)"; }\n',
        "data/noun.txt": "project\n",
        "tools/other.sh": b"echo 'other entry'\n",
    },
    other_entry="tools/other.sh",
    refusal=2,
)
