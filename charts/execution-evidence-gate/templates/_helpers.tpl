{{/* The name of everything, at most 52 characters, so that suffixes fit into a label's 63. */}}
{{- define "gate.name" -}}
{{- $chart := .Values.nameOverride | default .Chart.Name -}}
{{- $release := ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- .Values.fullnameOverride | default $release | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* What never changes for a release: selectors are immutable. */}}
{{- define "gate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gate.labels" -}}
{{ include "gate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "gate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "gate.tlsSecret" -}}
{{ .Values.certificates.secretName | default (printf "%s-tls" (include "gate.name" .)) }}
{{- end -}}

{{/*
The policy of one environment, as PolicyGates.ExecutionEvidence works it out: names compare without case, and what an
override does not set comes from the section. In: {gate, environment}; out: JSON {enabled, missingEvidenceAction}.
*/}}
{{- define "gate.policy" -}}
{{- $enabled := .gate.enabled -}}
{{- $action := .gate.missingEvidenceAction -}}
{{- range $name, $override := .gate.overrides -}}
{{- if eq (lower $name) (lower $.environment) -}}
{{- if not (kindIs "invalid" $override.enabled) -}}{{- $enabled = $override.enabled -}}{{- end -}}
{{- $action = $override.missingEvidenceAction | default $action -}}
{{- end -}}
{{- end -}}
{{- dict "enabled" $enabled "missingEvidenceAction" $action | toJson -}}
{{- end -}}

{{/* The environments in which the gate is enabled, as a JSON list: nothing may be registered for the others. */}}
{{- define "gate.armed" -}}
{{- $armed := list -}}
{{- range $environment := .Values.gate.requiredEnvironments -}}
{{- $policy := include "gate.policy" (dict "gate" $.Values.gate "environment" $environment) | fromJson -}}
{{- if $policy.enabled -}}{{- $armed = append $armed $environment -}}{{- end -}}
{{- end -}}
{{- $armed | toJson -}}
{{- end -}}

{{/* The ConfigMap's file with the authorities of a registry; a host's colons and brackets cannot be part of a key. */}}
{{- define "gate.registryAuthorities" -}}
registry-{{ regexReplaceAll "[^a-z0-9.-]" . "-" }}-{{ sha256sum . | trunc 8 }}.pem
{{- end -}}

{{/* The section stores.registry as JSON; empty where no registry may be asked. */}}
{{- define "gate.registry" -}}
{{- $registry := .Values.registry | default dict -}}
{{- $tagPolicies := list .Values.gate.tagPolicy -}}
{{- range .Values.gate.overrides }}{{ $tagPolicies = append $tagPolicies .tagPolicy }}{{ end -}}
{{- if $registry.allow -}}
{{- $hosts := dict -}}
{{- range $host, $special := $registry.hosts -}}
{{- $entry := omit $special "caBundle" -}}
{{- if $special.caBundle }}{{ $_ := set $entry "caFile" (include "gate.registryAuthorities" $host) }}{{ end -}}
{{- $_ := set $hosts $host $entry -}}
{{- end -}}
{{- $section := omit $registry "hosts" "dockerConfigSecret" -}}
{{- range $key, $value := $section }}{{ if kindIs "invalid" $value }}{{ $_ := unset $section $key }}{{ end }}{{ end -}}
{{- $_ := set $section "hosts" $hosts -}}
{{- if $registry.dockerConfigSecret }}{{ $_ := set $section "dockerConfig" "docker-config.json" }}{{ end -}}
{{- $section | toJson -}}
{{- else if has "Resolve" $tagPolicies -}}
{{- fail "gate.tagPolicy Resolve asks registries for digests; name them in registry.allow" -}}
{{- end -}}
{{- end -}}

{{/* Pod Security `restricted`, for every pod. The group owns the mounted Secrets. */}}
{{- define "gate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "gate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Configuration and keys in one volume, since the kubelet replaces a volume's files all at once. */}}
{{- define "gate.configurationVolume" -}}
name: configuration
projected:
  sources:
    - configMap:
        name: {{ include "gate.name" . }}
    {{- range .Values.trust.keys }}
    {{- if .secret }}
    - secret:
        name: {{ .secret.name }}
        items:
          - {key: {{ .secret.key | quote }}, path: {{ printf "%s.pub" .name | quote }}}
    {{- end }}
    {{- end }}
{{- end -}}
