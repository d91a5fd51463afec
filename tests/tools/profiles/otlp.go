package main

import (
	"github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/pprofile"
)

// tables appends to the dictionary, each thing once.
type tables struct {
	dictionary pprofile.ProfilesDictionary
	strings    map[string]int32
	functions  map[*profile.Function]int32
	locations  map[*profile.Location]int32
}

func (t *tables) text(text string) int32 {
	index, ok := t.strings[text]
	if !ok {
		index = int32(t.dictionary.StringTable().Len())
		t.dictionary.StringTable().Append(text)
		t.strings[text] = index
	}
	return index
}

func (t *tables) function(function *profile.Function) int32 {
	index, ok := t.functions[function]
	if !ok {
		index = int32(t.dictionary.FunctionTable().Len())
		entry := t.dictionary.FunctionTable().AppendEmpty()
		entry.SetNameStrindex(t.text(function.Name))
		entry.SetFilenameStrindex(t.text(function.Filename))
		t.functions[function] = index
	}
	return index
}

func (t *tables) location(location *profile.Location) int32 {
	index, ok := t.locations[location]
	if !ok {
		index = int32(t.dictionary.LocationTable().Len())
		entry := t.dictionary.LocationTable().AppendEmpty()
		entry.SetAddress(location.Address)
		for _, line := range location.Line {
			part := entry.Lines().AppendEmpty()
			part.SetFunctionIndex(t.function(line.Function))
			part.SetLine(line.Line)
		}
		t.locations[location] = index
	}
	return index
}

// convert writes one profile for each sample type, the way in which OpenTelemetry has several.
func convert(read *profile.Profile) pprofile.Profiles {
	data := pprofile.NewProfiles()
	dictionary := data.Dictionary()
	dictionary.StringTable().Append("")
	dictionary.FunctionTable().AppendEmpty()
	dictionary.LocationTable().AppendEmpty()
	dictionary.MappingTable().AppendEmpty()
	dictionary.StackTable().AppendEmpty()
	dictionary.LinkTable().AppendEmpty()
	dictionary.AttributeTable().AppendEmpty()
	t := &tables{dictionary, map[string]int32{"": 0}, map[*profile.Function]int32{}, map[*profile.Location]int32{}}
	scope := data.ResourceProfiles().AppendEmpty().ScopeProfiles().AppendEmpty()
	for position, kind := range read.SampleType {
		written := scope.Profiles().AppendEmpty()
		written.SampleType().SetTypeStrindex(t.text(kind.Type))
		written.SampleType().SetUnitStrindex(t.text(kind.Unit))
		for _, sample := range read.Sample {
			stack := int32(dictionary.StackTable().Len())
			places := dictionary.StackTable().AppendEmpty().LocationIndices()
			for _, location := range sample.Location {
				places.Append(t.location(location))
			}
			entry := written.Samples().AppendEmpty()
			entry.SetStackIndex(stack)
			entry.Values().Append(sample.Value[position])
		}
	}
	return data
}
