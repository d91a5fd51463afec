{{/*
The policy of one environment, as PolicyGates.ExecutionEvidence works it out: names compare without case, and what an
override does not set comes from the section. In: {gate, environment}; out: JSON {enabled, missingEvidenceAction,
unavailableEvidenceAction}.
*/}}
{{- define "gate.policy" -}}
{{- $enabled := .gate.enabled -}}
{{- $action := .gate.missingEvidenceAction -}}
{{- $unavailable := .gate.unavailableEvidenceAction -}}
{{- range $name, $override := .gate.overrides -}}
{{- if eq (lower $name) (lower $.environment) -}}
{{- if not (kindIs "invalid" $override.enabled) -}}{{- $enabled = $override.enabled -}}{{- end -}}
{{- $action = $override.missingEvidenceAction | default $action -}}
{{- $unavailable = $override.unavailableEvidenceAction | default $unavailable -}}
{{- end -}}
{{- end -}}
{{- $unavailable = $unavailable | default $action -}}
{{- dict "enabled" $enabled "missingEvidenceAction" $action "unavailableEvidenceAction" $unavailable | toJson -}}
{{- end -}}

{{/* Names in lower case, to compare by. In: a list of names; out: a JSON list. */}}
{{- define "gate.lowered" -}}
{{- splitList " " (join " " . | lower) | toJson -}}
{{- end -}}

{{/* Every environment that anything names, armed or not, in lower case, as a JSON list. */}}
{{- define "gate.named" -}}
{{- $named := concat .Values.gate.requiredEnvironments .Values.beaconRate.requiredEnvironments -}}
{{- range .Values.conditions }}{{ $named = concat $named .environments }}{{ end -}}
{{- include "gate.lowered" $named -}}
{{- end -}}

{{/*
The environments in which anything is at work, as a JSON list: nothing may be registered for the others. A namespace's label
is compared to the letter, so of two spellings of one environment only one would be asked about: that is refused.
*/}}
{{- define "gate.armed" -}}
{{- $named := list -}}
{{- range $environment := .Values.gate.requiredEnvironments -}}
{{- $policy := include "gate.policy" (dict "gate" $.Values.gate "environment" $environment) | fromJson -}}
{{- if $policy.enabled -}}{{- $named = append $named $environment -}}{{- end -}}
{{- end -}}
{{- if .Values.beaconRate.enabled -}}{{- $named = concat $named .Values.beaconRate.requiredEnvironments -}}{{- end -}}
{{- range .Values.conditions }}{{ $named = concat $named .environments }}{{ end -}}
{{- $armed := list -}}
{{- range $environment := $named -}}
{{- if has $environment $armed -}}
{{- else if has (lower $environment) (include "gate.lowered" $armed | fromJsonArray) -}}
{{- fail (printf "environment %s is spelt in two ways; namespaces have one label, so write it in one" $environment) -}}
{{- else -}}
{{- $armed = append $armed $environment -}}
{{- end -}}
{{- end -}}
{{- $armed | toJson -}}
{{- end -}}

{{/*
Whether missing or unavailable evidence, missing beacon data or a condition can refuse an image in an environment: "true" or
"false". In: {values, environment}.
*/}}
{{- define "gate.blocks" -}}
{{- $blocks := false -}}
{{- $asked := lower .environment -}}
{{- $policy := include "gate.policy" (dict "gate" .values.gate "environment" .environment) | fromJson -}}
{{- if has $asked (include "gate.lowered" .values.gate.requiredEnvironments | fromJsonArray) -}}
{{- $actions := list $policy.missingEvidenceAction $policy.unavailableEvidenceAction -}}
{{- $blocks = and $policy.enabled (has "Block" $actions) -}}
{{- end -}}
{{- with .values.beaconRate -}}
{{- if has $asked (include "gate.lowered" .requiredEnvironments | fromJsonArray) -}}
{{- $blocks = or $blocks (and .enabled (eq .missingBeaconAction "Block")) -}}
{{- end -}}
{{- end -}}
{{- range .values.conditions -}}
{{- if has $asked (include "gate.lowered" .environments | fromJsonArray) -}}
{{- $blocks = or $blocks (eq (.action | default "Block") "Block") -}}
{{- end -}}
{{- end -}}
{{- $blocks -}}
{{- end -}}
