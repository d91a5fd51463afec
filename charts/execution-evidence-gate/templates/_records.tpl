{{/* Whether records need a volume: "true" or nothing. */}}
{{- define "gate.recordsVolume" -}}
{{- if or (.Values.records.file).enabled (.Values.records.collector).url -}}true{{- end -}}
{{- end -}}

{{/* The section records as JSON. Secrets are files beside it that only the webhook's pods have. */}}
{{- define "gate.records" -}}
{{- $section := pick .Values.records "stdout" -}}
{{- $folder := "/var/lib/evidence-gate" -}}
{{- with .Values.records.file -}}
{{- if .enabled -}}
{{- $_ := set $section "file" (merge (dict "path" (printf "%s/records.jsonl" $folder)) (omit . "enabled")) -}}
{{- end -}}
{{- end -}}
{{- with .Values.records.collector -}}
{{- if .url -}}
{{- $spool := merge (dict "path" (printf "%s/spool" $folder)) (.spool | default dict) -}}
{{- $collector := merge (dict "spool" $spool) (pick . "url" "timeoutSeconds") -}}
{{- if .caBundle }}{{ $_ := set $collector "caFile" "records-collector.pem" }}{{ end -}}
{{- if .tokenSecret }}{{ $_ := set $collector "tokenFile" "records-collector.token" }}{{ end -}}
{{- $_ := set $section "collector" $collector -}}
{{- end -}}
{{- end -}}
{{- with .Values.records.signing -}}
{{- if .keySecret -}}
{{- $signing := dict "keyFile" "records-signing.key" -}}
{{- if .passphraseSecret }}{{ $_ := set $signing "passphraseFile" "records-signing.passphrase" }}{{ end -}}
{{- $_ := set $section "signing" $signing -}}
{{- end -}}
{{- end -}}
{{- with .Values.records.summaries -}}
{{- if .verifierId }}{{ $_ := set $section "summaries" . }}{{ end -}}
{{- end -}}
{{- $section | toJson -}}
{{- end -}}
