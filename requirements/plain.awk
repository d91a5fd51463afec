# Repeats each requirement with extras without them: pip before 23.3, which Python 3.11 brings along, takes
# `name[extra]` and `name` for two requirements, and wants hashes of both.
function flush(plain) {
    if (block ~ /^[^ ]*\[/) {
        plain = block
        sub(/\[[^]]*\]/, "", plain)
        printf "%s", plain
    }
    printf "%s", block
    block = ""
}
/^[a-z]/ { flush() }
{ block = block $0 "\n" }
END { flush() }
