{{/*
The Secrets whose files the configuration names and only the webhook reads: a JSON list of {secret: {name, key}, file}.
The operator follows the same configuration without any of them.
*/}}
{{- define "gate.webhookSecrets" -}}
{{- $secrets := list -}}
{{- if include "gate.registry" . -}}
{{- with .Values.registry.dockerConfigSecret -}}
{{- $secret := dict "name" . "key" ".dockerconfigjson" -}}
{{- $secrets = append $secrets (dict "secret" $secret "file" "docker-config.json") -}}
{{- end -}}
{{- end -}}
{{- range .Values.providers.remote -}}
{{- if .tokenSecret -}}
{{- $secrets = append $secrets (dict "secret" .tokenSecret "file" (printf "remote-%s.token" .id)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.records.collector -}}
{{- if and .url .tokenSecret -}}
{{- $secrets = append $secrets (dict "secret" .tokenSecret "file" "records-collector.token") -}}
{{- end -}}
{{- end -}}
{{- with .Values.records.signing -}}
{{- if .keySecret -}}
{{- $secrets = append $secrets (dict "secret" .keySecret "file" "records-signing.key") -}}
{{- if .passphraseSecret -}}
{{- $secrets = append $secrets (dict "secret" .passphraseSecret "file" "records-signing.passphrase") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $secrets | toJson -}}
{{- end -}}
