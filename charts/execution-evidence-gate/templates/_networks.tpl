{{/* The ports of the URLs that the webhook itself calls, as a JSON list; each stands once. */}}
{{- define "gate.outgoingPorts" -}}
{{- $urls := list -}}
{{- with (.Values.records.collector).url }}{{ $urls = append $urls . }}{{ end -}}
{{- range .Values.providers.remote }}{{ $urls = append $urls .url }}{{ end -}}
{{- $ports := list -}}
{{- range $urls -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default "443" | int) -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
