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

{{/* Whether the operator runs, and whether certificates are its work: "true" or nothing. */}}
{{- define "gate.operator" -}}
{{- if or (eq .Values.certificates.mode "operator") .Values.scan.enabled -}}true{{- end -}}
{{- end -}}

{{- define "gate.certifies" -}}
{{- if eq .Values.certificates.mode "operator" -}}true{{- end -}}
{{- end -}}

{{/* Namespaces that are never asked about, as a JSON list: a gate that is down must not keep itself from starting. */}}
{{- define "gate.excluded" -}}
{{- concat (list "kube-system" .Release.Namespace) .Values.admission.excludedNamespaces | uniq | toJson -}}
{{- end -}}

{{/* The evaluated kinds that have the sub-resource scale, as a JSON list. */}}
{{- define "gate.scaled" -}}
{{- $scaled := list -}}
{{- range $kind := .Values.workloads -}}
{{- if has $kind (list "Deployment" "StatefulSet" "ReplicaSet" "Rollout") -}}{{- $scaled = append $scaled $kind -}}{{- end -}}
{{- end -}}
{{- $scaled | toJson -}}
{{- end -}}

{{/*
The evaluated kinds that a Rollout can take its pods from, if Rollouts are evaluated, as a JSON list. Only evaluated kinds
are read, since what is not could be changed afterwards.
*/}}
{{- define "gate.referred" -}}
{{- $referred := list -}}
{{- if has "Rollout" .Values.workloads -}}
{{- range $kind := .Values.workloads -}}
{{- if has $kind (list "Deployment" "ReplicaSet" "PodTemplate") -}}{{- $referred = append $referred $kind -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $referred | toJson -}}
{{- end -}}

{{/* The kinds that the webhook reads: what Rollouts may refer to, and what is scaled. Out: a JSON list. */}}
{{- define "gate.read" -}}
{{- $read := include "gate.referred" . | fromJsonArray -}}
{{- if .Values.evaluateScaleUp -}}
{{- $read = concat $read (include "gate.scaled" . | fromJsonArray) -}}
{{- end -}}
{{- $read | uniq | toJson -}}
{{- end -}}

{{/* The same by API group: a JSON list of {group, resources}. */}}
{{- define "gate.readRules" -}}
{{- include "gate.kindRules" (dict "kinds" (include "gate.read" . | fromJsonArray)) -}}
{{- end -}}

{{/* Kinds by API group. In: {kinds}; out: a JSON list of {group, resources}. */}}
{{- define "gate.kindRules" -}}
{{- $groups := dict -}}
{{- $places := dict
  "Deployment" (list "apps" "deployments")
  "StatefulSet" (list "apps" "statefulsets")
  "DaemonSet" (list "apps" "daemonsets")
  "ReplicaSet" (list "apps" "replicasets")
  "Rollout" (list "argoproj.io" "rollouts")
  "Job" (list "batch" "jobs")
  "CronJob" (list "batch" "cronjobs")
  "Pod" (list "" "pods")
  "PodTemplate" (list "" "podtemplates")
-}}
{{- range $kind := .kinds -}}
{{- $place := get $places $kind -}}
{{- $_ := set $groups (first $place) (append (get $groups (first $place) | default list) (last $place)) -}}
{{- end -}}
{{- $rules := list -}}
{{- range $group, $resources := $groups -}}
{{- $rules = append $rules (dict "group" $group "resources" $resources) -}}
{{- end -}}
{{- $rules | toJson -}}
{{- end -}}

{{/* Whether an image may return to a workload in any environment: "true" or nothing. */}}
{{- define "gate.returns" -}}
{{- $rules := list .Values.gate.rollback -}}
{{- range .Values.gate.overrides }}{{ $rules = append $rules .rollback }}{{ end -}}
{{- if has "AllowPreviouslyAdmitted" $rules -}}true{{- end -}}
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

{{/* The file of the trusted root, whose name no key has: those end with .pub. Empty where there is none. */}}
{{- define "gate.trustedRoot" -}}
{{- if .Values.trust.trustedRoot -}}
trusted_root.json
{{- else if .Values.trust.identities -}}
{{- fail "trust.identities needs trust.trustedRoot: the trusted_root.json of the Sigstore that certifies them" -}}
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
    {{- with (.Values.trust.trustedRoot).secret }}
    - secret:
        name: {{ .name }}
        items:
          - {key: {{ .key | quote }}, path: {{ include "gate.trustedRoot" $ | quote }}}
    {{- end }}
    {{- range $remote := .Values.providers.remote }}
    {{- range $index, $key := ($remote.signature).keys }}
    {{- if $key.secret }}
    - secret:
        name: {{ $key.secret.name }}
        items:
          - {key: {{ $key.secret.key | quote }}, path: {{ printf "remote-%s-%d.key" $remote.id $index | quote }}}
    {{- end }}
    {{- end }}
    {{- end }}
{{- end -}}
