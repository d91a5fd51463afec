{{/*
The section providers as JSON; without env where no variable may be asked for. Files lie beside the configuration:
signature keys and authorities for both processes, tokens for the webhook alone.
*/}}
{{- define "gate.providers" -}}
{{- $section := pick .Values.providers "executionEvidence" "beaconRate" "remoteHosts" -}}
{{- with .Values.providers.env }}{{ if .allowlist }}{{ $_ := set $section "env" . }}{{ end }}{{ end -}}
{{- $remotes := list -}}
{{- range $remote := .Values.providers.remote -}}
{{- $entry := omit $remote "caBundle" "tokenSecret" "signature" -}}
{{- if $remote.caBundle }}{{ $_ := set $entry "caFile" (printf "remote-%s.pem" $remote.id) }}{{ end -}}
{{- if $remote.tokenSecret }}{{ $_ := set $entry "tokenFile" (printf "remote-%s.token" $remote.id) }}{{ end -}}
{{- with $remote.signature -}}
{{- $keys := list -}}
{{- range $index, $key := .keys -}}
{{- $file := printf "remote-%s-%d.key" $remote.id $index -}}
{{- $keys = append $keys (dict "keyId" $key.keyId "file" $file) -}}
{{- end -}}
{{- $_ := set $entry "signature" (dict "keys" $keys) -}}
{{- end -}}
{{- $remotes = append $remotes $entry -}}
{{- end -}}
{{- $_ := set $section "remote" $remotes -}}
{{- include "gate.checkRemotes" . -}}
{{- $section | toJson -}}
{{- end -}}

{{/* Refuses what no schema can see, and with which the server would not start. */}}
{{- define "gate.checkRemotes" -}}
{{- $hosts := list -}}
{{- range .Values.providers.remoteHosts }}{{ $hosts = append $hosts (trimSuffix ":443" .) }}{{ end -}}
{{- $ids := list "execution-evidence" "beacon-rate" "env" -}}
{{- range $index, $remote := .Values.providers.remote -}}
{{- if has $remote.id $ids -}}
{{- fail (printf "providers.remote[%d].id: %s stands twice, or is a provider of this program" $index $remote.id) -}}
{{- end -}}
{{- $ids = append $ids $remote.id -}}
{{- $host := trimSuffix ":443" (urlParse $remote.url).host -}}
{{- if not (has $host $hosts) -}}
{{- fail (printf "providers.remote[%d].url: %s does not stand in providers.remoteHosts" $index $host) -}}
{{- end -}}
{{- $keys := list -}}
{{- range ($remote.signature).keys -}}
{{- if has .keyId $keys -}}
{{- fail (printf "providers.remote[%d].signature.keys: %s stands twice" $index .keyId) -}}
{{- end -}}
{{- $keys = append $keys .keyId -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The section gates.conditions as JSON. Refuses what no schema can see and the server would not start with: a registered
environment without a server is one that nothing can be deployed to.
*/}}
{{- define "gate.conditions" -}}
{{- $section := include "gate.providers" . | fromJson -}}
{{- $providers := list "execution-evidence" "beacon-rate" -}}
{{- if $section.env }}{{ $providers = append $providers "env" }}{{ end -}}
{{- range $section.remote }}{{ $providers = append $providers .id }}{{ end -}}
{{- $names := list -}}
{{- range $index, $condition := .Values.conditions -}}
{{- if has $condition.name $names -}}
{{- fail (printf "conditions[%d].name: %s stands twice" $index $condition.name) -}}
{{- end -}}
{{- $names = append $names $condition.name -}}
{{- if not (has $condition.query.provider $providers) -}}
{{- fail (printf "conditions[%d].query.provider: there is no provider %s" $index $condition.query.provider) -}}
{{- end -}}
{{- range $member, $_ := $condition.bind -}}
{{- if hasKey ($condition.query.params | default dict) $member -}}
{{- fail (printf "conditions[%d]: %s stands in bind and in query.params" $index $member) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- .Values.conditions | default list | mustToPrettyJson -}}
{{- end -}}
