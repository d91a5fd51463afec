{{/* Where the observer's own Secrets are mounted. */}}
{{- define "gate.observerSecrets" -}}/etc/evidence-gate-observer{{- end -}}

{{/* The file observer.yaml as JSON. */}}
{{- define "gate.observerFile" -}}
{{- include "gate.checkObserver" . -}}
{{- $observer := .Values.observer -}}
{{- $secrets := include "gate.observerSecrets" . -}}
{{- $registry := ($observer.publish).registry | default dict -}}
{{- $keyless := ($observer.signing).keyless | default dict -}}
{{- $source := omit $observer.source "tokenSecret" "basicAuth" "caBundle" "labels" -}}
{{- range $key, $value := $source }}{{ if kindIs "invalid" $value }}{{ $_ := unset $source $key }}{{ end }}{{ end -}}
{{- with $observer.source.labels -}}
{{- $labels := merge (dict) . -}}
{{- /* Helm leaves out what somebody sets to null. */ -}}
{{- if not .container }}{{ $_ := set $labels "container" nil }}{{ end -}}
{{- $_ := set $source "labels" $labels -}}
{{- end -}}
{{- if $observer.source.tokenSecret }}{{ $_ := set $source "tokenFile" (printf "%s/source.token" $secrets) }}{{ end -}}
{{- with $observer.source.basicAuth -}}
{{- $_ := set $source "basicAuth" (dict "username" .username "passwordFile" (printf "%s/source.password" $secrets)) -}}
{{- end -}}
{{- if $observer.source.caBundle }}{{ $_ := set $source "caFile" "observer-source.pem" }}{{ end -}}
{{- $signing := dict -}}
{{- if $keyless.enabled -}}
{{- $section := dict "identityTokenFile" (printf "%s/identity-token" $secrets) -}}
{{- if $keyless.trustConfig }}{{ $_ := set $section "trustConfig" "observer-trust-config.json" }}{{ end -}}
{{- $_ := set $signing "keyless" $section -}}
{{- else -}}
{{- $_ := set $signing "keyFile" (printf "%s/signing.key" $secrets) -}}
{{- if ($observer.signing).passphraseSecret -}}
{{- $_ := set $signing "passphraseFile" (printf "%s/signing.passphrase" $secrets) -}}
{{- end -}}
{{- end -}}
{{- $publish := dict "cluster" ($observer.publish).cluster -}}
{{- if $registry.enabled -}}
{{- $section := dict "layout" $registry.layout -}}
{{- if $registry.dockerConfigSecret -}}
{{- $_ := set $section "dockerConfig" (printf "%s/docker-config.json" $secrets) -}}
{{- end -}}
{{- $_ := set $publish "registry" $section -}}
{{- end -}}
{{- $file := pick $observer "environments" "window" "multiPlatform" -}}
{{- $_ := set $file "timeoutSeconds" (int $observer.timeoutSeconds) -}}
{{- if $observer.namespaces }}{{ $_ := set $file "namespaces" $observer.namespaces }}{{ end -}}
{{- if $observer.refreshAfter }}{{ $_ := set $file "refreshAfter" $observer.refreshAfter }}{{ end -}}
{{- $_ := set $file "environmentLabel" .Values.admission.environmentLabel -}}
{{- $_ := set $file "excludedNamespaces" (include "gate.excluded" . | fromJsonArray) -}}
{{- $_ := set $file "source" $source -}}
{{- $_ := set $file "signing" $signing -}}
{{- $_ := set $file "publish" $publish -}}
{{- $file | toJson -}}
{{- end -}}

{{/* The Secrets that only the observer reads: a JSON list of {secret: {name, key}, file}. A dry run gets no key. */}}
{{- define "gate.observerFiles" -}}
{{- $files := list -}}
{{- with .Values.observer -}}
{{- if .source.tokenSecret }}{{ $files = append $files (dict "secret" .source.tokenSecret "file" "source.token") }}{{ end -}}
{{- with .source.basicAuth }}{{ $files = append $files (dict "secret" .passwordSecret "file" "source.password") }}{{ end -}}
{{- if not .dryRun -}}
{{- with .signing -}}
{{- if .keySecret }}{{ $files = append $files (dict "secret" .keySecret "file" "signing.key") }}{{ end -}}
{{- if .passphraseSecret -}}
{{- $files = append $files (dict "secret" .passphraseSecret "file" "signing.passphrase") -}}
{{- end -}}
{{- end -}}
{{- with (.publish).registry -}}
{{- if and .enabled .dockerConfigSecret -}}
{{- $secret := dict "name" .dockerConfigSecret "key" ".dockerconfigjson" -}}
{{- $files = append $files (dict "secret" $secret "file" "docker-config.json") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $files | toJson -}}
{{- end -}}

{{/* The ports that the observer calls beside the API server's and the registries', as a JSON list; each stands once. */}}
{{- define "gate.observerPorts" -}}
{{- $url := urlParse (include "gate.observerFile" . | fromJson).source.url -}}
{{- $usual := ternary "80" "443" (eq $url.scheme "http") -}}
{{- $ports := list (regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $usual | int) -}}
{{- with (.Values.observer.signing).keyless -}}
{{- if .enabled }}{{ range .ports }}{{ $ports = append $ports (int .) }}{{ end }}{{ end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
