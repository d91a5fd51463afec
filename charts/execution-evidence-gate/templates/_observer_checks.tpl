{{/* A duration such as 1h30m in seconds. */}}
{{- define "gate.seconds" -}}
{{- $hours := regexFind "[0-9]+h" . | trimSuffix "h" | default "0" | atoi -}}
{{- $minutes := regexFind "[0-9]+m" . | trimSuffix "m" | default "0" | atoi -}}
{{- $seconds := regexFind "[0-9]+s" . | trimSuffix "s" | default "0" | atoi -}}
{{- add (mul $hours 3600) (mul $minutes 60) $seconds -}}
{{- end -}}

{{/*
Whether evidence from an environment counts in any that requires some, as PolicyGates.ExecutionEvidence has it: "true" or
"false". In: {gate, environment}.
*/}}
{{- define "gate.counts" -}}
{{- $counts := false -}}
{{- range $target := .gate.requiredEnvironments -}}
{{- $accepted := $.gate.evidenceEnvironments -}}
{{- range $name, $override := $.gate.overrides -}}
{{- if and (eq (lower $name) (lower $target)) (not (kindIs "invalid" $override.evidenceEnvironments)) -}}
{{- $accepted = $override.evidenceEnvironments -}}
{{- end -}}
{{- end -}}
{{- $counts = or $counts (has (lower $.environment) (include "gate.lowered" $accepted | fromJsonArray)) -}}
{{- end -}}
{{- $counts -}}
{{- end -}}

{{/* Refuses what no schema can see and the observer would not start with. */}}
{{- define "gate.checkObserver" -}}
{{- $observer := .Values.observer -}}
{{- include "gate.checkSource" $observer.source -}}
{{- include "gate.checkSigning" . -}}
{{- range $observer.environments -}}
{{- if ne (include "gate.counts" (dict "gate" $.Values.gate "environment" .)) "true" -}}
{{- fail (printf "observer.environments: evidence from %s counts in no environment that requires any" .) -}}
{{- end -}}
{{- end -}}
{{- with $observer.window -}}
{{- $seconds := include "gate.seconds" . | atoi -}}
{{- if or (lt $seconds 60) (gt $seconds 86400) -}}
{{- fail "observer.window: write a duration from 1m to 24h" -}}
{{- end -}}
{{- end -}}
{{- with $observer.refreshAfter -}}
{{- if eq (include "gate.seconds" .) "0" -}}
{{- fail "observer.refreshAfter: write a duration above 0s" -}}
{{- end -}}
{{- end -}}
{{- $registry := ($observer.publish).registry | default dict -}}
{{- if and $registry.enabled (not (include "gate.registry" .)) -}}
{{- fail "observer.publish.registry: the gate would not look there; name the repositories in registry.allow" -}}
{{- end -}}
{{- if not (or ($observer.publish).cluster $registry.enabled) -}}
{{- fail "observer.publish: evidence that goes nowhere helps nobody; set cluster or registry.enabled" -}}
{{- end -}}
{{- if and (include "gate.registry" .) .Values.registry.pullSecrets (not .Values.registry.dockerConfigSecret) -}}
{{- fail "observer: it cannot read the pull secrets of pods; name a registry.dockerConfigSecret" -}}
{{- end -}}
{{- end -}}

{{/* The profile server. In: observer.source. */}}
{{- define "gate.checkSource" -}}
{{- if not .url -}}
{{- fail "observer.source.url: say where the profile server is" -}}
{{- end -}}
{{- if ne (hasPrefix "http:" .url) (.insecure | default false) -}}
{{- fail "observer.source.insecure: http:// and insecure: true go together; set both, or none" -}}
{{- end -}}
{{- if and .insecure (or .tokenSecret .basicAuth .caBundle) -}}
{{- fail "observer.source.insecure: a password or token is not sent, and no certificate asked for, over http://" -}}
{{- end -}}
{{- if and .tokenSecret .basicAuth -}}
{{- fail "observer.source: set tokenSecret or basicAuth, not both" -}}
{{- end -}}
{{- if and .tenant (eq .kind "parca") -}}
{{- fail "observer.source.tenant: Parca knows no tenant; leave it out" -}}
{{- end -}}
{{- with .profileType -}}
{{- if and (hasSuffix ":delta" .) (eq $.kind "pyroscope") -}}
{{- fail "observer.source.profileType: Pyroscope's have five parts, and no :delta" -}}
{{- end -}}
{{- if not (has (index (splitList ":" .) 2) (list "count" "nanoseconds" "microseconds" "milliseconds" "seconds")) -}}
{{- fail "observer.source.profileType: it measures neither a count nor a time; take CPU time" -}}
{{- end -}}
{{- end -}}
{{- range $name := values (.labels | default dict) -}}
{{- if hasKey ($.matchers | default dict) ($name | default "") -}}
{{- fail (printf "observer.source.matchers: it names the label %s, which labels has already" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Who vouches. */}}
{{- define "gate.checkSigning" -}}
{{- $signing := .Values.observer.signing | default dict -}}
{{- $registry := (.Values.observer.publish).registry | default dict -}}
{{- if ($signing.keyless).enabled -}}
{{- if $signing.keySecret -}}
{{- fail "observer.signing: set keySecret or keyless.enabled, not both" -}}
{{- end -}}
{{- if $signing.passphraseSecret -}}
{{- fail "observer.signing.passphraseSecret: it opens a keySecret; leave it out" -}}
{{- end -}}
{{- if and $registry.enabled (eq $registry.layout "cosign") -}}
{{- fail "observer.publish.registry.layout: cosign has no room for a certificate; take referrer" -}}
{{- end -}}
{{- else if and (not $signing.keySecret) (not .Values.observer.dryRun) -}}
{{- fail "observer.signing: name a keySecret, or set keyless.enabled; to look only, set observer.dryRun" -}}
{{- end -}}
{{- end -}}
