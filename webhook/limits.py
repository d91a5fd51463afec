"""Every size, count and time limit, in one frozen object.

A limit is checked before the work that it bounds. CVE-2023-46737, CVE-2023-33957, CVE-2023-42816 and
CVE-2024-45395 are what happens without.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits; times in seconds, sizes in bytes."""

    review_bytes: int = 8 * 1024 * 1024
    """One AdmissionReview. An UPDATE carries two objects of up to 1.5 MiB each, escaped."""
    envelope_bytes: int = 4 * 1024 * 1024
    """One DSSE envelope or Sigstore bundle."""
    json_depth: int = 64
    """Nesting of any evidence document."""
    json_values: int = 200_000
    """Values in one evidence document, counted by separators before it is parsed."""
    verification_work: int = 256 * 1024 * 1024
    """Bytes of an envelope times its signatures times trusted keys: what checking it may have to hash."""
    verification_pairs: int = 64
    """Signatures of an envelope times trusted keys: each pair costs up to a millisecond."""
    signatures: int = 32
    """Signatures in one envelope."""
    subjects: int = 1024
    """Subjects in one statement."""
    candidates: int = 64
    """Envelopes that are looked at for one image digest."""
    hot_symbols: int = 100
    """Entries in a predicate's `hotSymbols` list; the count itself may be higher."""
    counting_filters: int = 64
    """Filters that a predicate names."""
    symbol_characters: int = 1024
    """One symbol's name."""
    trusted_keys: int = 64
    """Keys in the trust policy; each costs a signature check per envelope."""
    reference_characters: int = 1024
    """One image reference, before it is parsed."""
    environment_characters: int = 253
    """The name of an environment; a namespace's label holds 63."""
    object_bytes: int = 4 * 1024 * 1024
    """One object that is read from the API server for a review; etcd holds 1.5 MiB of it, less compactly in JSON."""
    object_reads: int = 8
    """Such objects that are read at the same time; more wait, within their deadline."""
    break_glass_seconds: float = 8760 * 3600.0
    """The longest `breakGlass.maxDuration`; a year is no emergency."""
    break_glass_characters: int = 200
    """The reason that `stella.ops/break-glass` gives."""
    requester_groups: int = 1024
    """Groups, and entries of `extra`, of a user who breaks the glass."""
    access_review_seconds: float = 2.0
    """What the API server gets to say whether a user may."""
    access_review_reserve: float = 1.0
    """What is kept back of the deadline to ask it, where somebody breaks the glass."""
    namespace_rate: float = 2.0
    """Requests a second to the API server on behalf of one namespace's reviews; of each kind."""
    namespace_burst: int = 20
    """Those at once after a rest."""
    namespaces: int = 4096
    """Namespaces whose rate is remembered."""
    revision_page: int = 50
    """ReplicaSets in one page of a workload's history."""
    revision_pages: int = 4
    """Such pages; a Deployment keeps ten old ReplicaSets unless told otherwise."""
    revisions: int = 32
    """ReplicaSets of a workload for which it is asked whether an image would have been admitted then."""
    containers: int = 512
    """Containers and image volumes in one workload."""
    count_maximum: int = 2**63 - 1
    """The highest count that is believed; what lies above is out of range."""
    clock_skew: float = 300.0
    """How far ahead of our clock an observation may end."""
    deadline_default: float = 10.0
    """A review's time when the request names none, as the API server's own default."""
    deadline_maximum: float = 30.0
    """The longest timeout that the API server allows a webhook."""
    deadline_margin: float = 0.5
    """What is kept back of the API server's timeout to get the answer onto the wire."""
    message_characters: int = 8192
    """The text of a denial."""
    warning_characters: int = 120
    """One warning; the API server's advice."""
    warnings_characters: int = 4096
    """All warnings of one answer; the API server cuts what lies above."""
    verification_thread_bytes: int = 8 * 1024
    """Bytes of an envelope times trusted keys; what lies above is verified in a thread, so that the loop goes on."""
    review_values: int = 400_000
    """Values in one review, counted by separators before it is parsed."""
    verdict_cache_entries: int = 100_000
    """Answers about images that are remembered, packed."""
    answers_at_hand: int = 1_000
    """Answers, and rulings, that are remembered as they are, for the images that are asked for all day."""
    packed_answer_bytes: int = 1024
    """One packed answer; most take a quarter of that."""
    opened_envelopes: int = 2_000
    """Verified envelopes that are remembered; an answer that is remembered needs none."""
    images_at_once: int = 16
    """Images of one review that are asked about at the same time."""
    profile_bytes: int = 256 * 1024 * 1024
    """One profile given to `attest`."""
    profile_line_bytes: int = 64 * 1024
    """One line of a profile with its end."""
    profile_stacks: int = 2_000_000
    """Distinct stacks in one profile."""
    profile_symbols: int = 500_000
    """Distinct symbols in one profile."""
    profile_frames: int = 64_000_000
    """Frames of all distinct stacks together, four bytes each."""
    profile_depth: int = 4096
    """Frames of one stack; profilers stop at a half of that or before."""
    profile_samples: int = 4_000_000
    """Samples of one pprof profile; equal stacks are one there, so that a million is much."""
    profile_entries: int = 2_000_000
    """Strings, functions, locations or mappings of one pprof profile."""
    profile_values: int = 4_000_000
    """Values in one profile that is JSON or OpenTelemetry's, counted before they are built."""
    profile_sources: int = 64
    """Profiles that are added up."""
    key_bytes: int = 64 * 1024
    """A key or passphrase file; the largest that is of use, RSA with 8192 bits, takes a tenth."""
    settings_bytes: int = 1024 * 1024
    """The configuration file."""
    directory_files: int = 20_000
    """Files that the directory store reads."""
    directory_bytes: int = 256 * 1024 * 1024
    """What they may hold together; it is kept in memory."""
    registry_file_bytes: int = 1024 * 1024
    """One CA bundle, one Docker configuration; a Secret holds no more."""
    docker_config_entries: int = 1024
    """Entries of one Docker configuration, and of all pull secrets of a pod."""
    helper_bytes: int = 64 * 1024
    """What a credential helper may print."""
    pull_secrets: int = 32
    """Pull secrets of one pod and its ServiceAccount."""
    pull_secret_bytes: int = 512 * 1024
    """One pull secret, or ServiceAccount, as the API server sends it: a hundred times what a login takes."""
    registry_hosts: int = 256
    """Registries with settings of their own."""
    registry_networks: int = 64
    """Networks that one registry may lie in."""
    manifest_bytes: int = 4 * 1024 * 1024
    """One manifest or index; the distribution specification lets registries refuse larger ones."""
    referrers: int = 64
    """Referrers of one image that are looked at."""
    referrer_pages: int = 16
    """Pages of a list of referrers."""
    registry_redirects: int = 5
    """Hops from a registry to where the bytes lie."""
    registry_retry_after: float = 300.0
    """The longest wait that a registry may ask for."""
    registry_credentials: int = 8
    """Credentials that are tried for one repository."""
    registry_token_bytes: int = 64 * 1024
    """A token service's answer."""
    registry_tokens: int = 4096
    """Tokens that are remembered."""
    platforms: int = 64
    """Platforms that the configuration asks for, or that an index names."""
    registry_evidence_bytes: int = 8 * 1024 * 1024
    """Manifests and blobs that one look-up in registries fetches."""
    registry_light_bytes: int = 256 * 1024
    """What look-ups may fetch side by side, however many there are; evidence takes a few kilobytes."""
    registry_heavy_look_ups: int = 4
    """Look-ups that may hold more than that at the same time."""
    registry_cache_entries: int = 100_000
    """Look-ups in registries that are remembered, most of them by an outline."""
    registry_cache_bytes: int = 8 * 1024 * 1024
    """What those may hold together of which the evidence itself is kept."""
    registry_habits: int = 4096
    """Repositories of which it is remembered how their attestations are attached."""
    registry_calls: int = 16
    """Requests to registries that one look-up has under way."""
    registry_look_up_seconds: float = 30.0
    """What one look-up gets; the longest review, so that it holds nothing for which nobody waits any more."""
    query_bytes: int = 64 * 1024
    """One evidence query over HTTP or from a file; it is parsed on the loop that admission lives on."""
    frame_bytes: int = 1024 * 1024
    """One message on standard input; Decision Gate's own cap."""
    frame_header_bytes: int = 8 * 1024
    """The header before it; Decision Gate's own cap."""
    query_seconds: float = 10.0
    """What an evidence query gets, from its body to its answer."""
    queries_in_flight: int = 64
    """Evidence queries under way; more are refused."""
    query_rate: float = 50.0
    """Evidence queries a second of one caller, in the long run."""
    query_burst: int = 100
    """Those that may come at once after a rest."""
    query_callers: int = 1024
    """Callers whose rate and right are remembered."""
    caller_seconds: float = 10.0
    """How long the API server's word about a caller is remembered; a right that is taken back lasts as long."""
    caller_check_seconds: float = 5.0
    """What the API server gets to say who a caller is and what it may."""
    caller_check_rate: float = 20.0
    """Tokens a second that the API server is asked about."""
    caller_check_burst: int = 40
    """Those at once after a rest."""
    bearer_tokens: int = 64
    """Tokens in the file of those who may query."""
    bearer_token_bytes: int = 4096
    """One of them, or one that is shown to us."""
    query_reply_bytes: int = 1024 * 1024
    """What `evidence-gate query` reads of a server's answer."""
    mcp_message_bytes: int = 1024 * 1024
    """One message to the MCP server; manifests travel in it as a JSON string."""
    mcp_manifest_bytes: int = 256 * 1024
    """Manifests of one `review` call; this much YAML is read in four seconds at most."""
    mcp_workloads: int = 64
    """Workloads in them."""
    mcp_reviews: int = 4
    """`review` calls under way; more are refused."""
    conditions: int = 64
    """Conditions in the configuration; each is a query for every image."""
    condition_values: int = 256
    """Values in a condition's `expected`, and in its `params`."""
    condition_depth: int = 16
    """Nesting of either."""
    condition_comparisons: int = 16_384
    """Values in `expected` times elements of the list that must contain them; more is unknown."""
    shown_bytes: int = 4 * 1024 * 1024
    """Rulings of conditions in one review that show the provider's value; others have its hash alone."""
    condition_margin: float = 0.1
    """How long before the deadline a condition stops waiting, so that what else is known of an image still counts."""
    expected_characters: int = 80
    """How much of `expected` a message shows."""

    variables: int = 256
    """Environment variables that may be asked for, and those that may not."""
    variable_name_bytes: int = 255
    """The name of one, in UTF-8; Decision Gate's own cap."""
    variable_bytes: int = 65_536
    """The value of one, in UTF-8; Decision Gate's own cap."""

    remotes: int = 16
    """Providers elsewhere, and the hosts that they may lie on."""
    remote_keys: int = 16
    """Keys that may have signed the answers of one."""
    remote_namespaces: int = 1024
    """Namespaces in whose name one is asked."""
    remote_calls: int = 16
    """Requests to one that are under way; more wait, within their time."""
    remote_calls_from_outside: int = 8
    """Those of them that the evidence service's callers may bring about: they hold up each other, and no review."""
    remote_reply_bytes: int = 64 * 1024
    """One answer; it is parsed on the loop, and may stand in a record once for every image of a review."""
    remote_text_characters: int = 1024
    """A reference, an anchor, a content type or a key id in it."""
    remote_message_characters: int = 256
    """How much of its error messages is passed on."""
    remote_retry_after: float = 30.0
    """The longest wait that it may ask for; longer ones are beyond every deadline."""

    record_queue: int = 10_000
    """Decisions that wait for one sink of records."""
    record_queue_bytes: int = 32 * 1024 * 1024
    """What their records may hold together; sinks that wait for the same ones share them."""
    record_batch_bytes: int = 256 * 1024
    """Entries that are written, or sent to a collector, at once; the answer's loop encrypts them."""
    record_batch_entries: int = 500
    """How many they may be."""
    record_segment_bytes: int = 8 * 1024 * 1024
    """One file of a spool; it is deleted once the collector has all of it."""
    record_line_bytes: int = 32 * 1024 * 1024
    """One line that `log verify` reads; a record of 512 containers with the longest names takes a tenth."""
    record_instances: int = 10_000
    """Chains that `log verify` follows at once."""
    record_instance_characters: int = 64
    """The name of one."""
    record_depth: int = 96
    """Nesting of one line: evidence as deep as it may be, in its ruling, image and record."""
    record_values: int = 4_000_000
    """Values of one line, counted by separators: a name may be nothing but commas, for every container."""
    record_duplicates: int = 524_288
    """Entries, of all chains together, back to which `log verify` knows a repetition."""
    collector_reply_bytes: int = 64 * 1024
    """What is read of a collector's answer; more ends the connection."""
    collector_retry_after: float = 300.0
    """The longest wait that a collector may ask for."""

    scan_call_rate: float = 20.0
    """Requests a second to the API server for a scan of what runs."""
    scan_call_burst: int = 40
    """Those at once after a rest."""
    scan_page_objects: int = 200
    """Workloads in one page of a list."""
    scan_page_bytes: int = 8 * 1024 * 1024
    """One such page; larger ones are asked for in smaller pieces."""
    scan_question_rate: float = 50.0
    """Questions a second to the providers of evidence."""
    scan_question_burst: int = 100
    """Those at once after a rest."""
    scan_at_once: int = 16
    """Workloads that are decided about at the same time."""
    scan_decision_seconds: float = 120.0
    """What a decision about one may take; nobody waits for it."""
    scan_questions: int = 20_000
    """Answers that are remembered while a scan lasts."""
    report_results: int = 500
    """Results in one report; its summary counts the others."""
    report_bytes: int = 768 * 1024
    """What they may hold together, as JSON; etcd takes 1.5 MiB."""


LIMITS = Limits()
