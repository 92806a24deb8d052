package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/spf13/cobra"
)

func configGet(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "get [" + p.tr("NOM", "NAME") + "]", Args: cobra.MaximumNArgs(1),
		Short:   p.tr("lire un réglage, ou tous", "read one setting, or all"),
		Example: "  essaim config get network.port",
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			all := s.names()
			if len(args) == 1 {
				v, ok := all[args[0]]
				if !ok {
					return p.noSuchSetting(args[0])
				}
				all = map[string]reflect.Value{args[0]: v}
			}
			if p.json {
				values := map[string]any{}
				for name, v := range all {
					values[name] = v.Interface()
				}
				return p.document(struct {
					Schema string         `json:"schema"`
					Values map[string]any `json:"values"`
				}{"essaim.config/1", values})
			}
			names := make([]string, 0, len(all))
			for name := range all {
				names = append(names, name)
			}
			sort.Strings(names)
			for _, name := range names {
				if len(args) == 1 {
					p.line("%s", settingText(all[name]))
				} else {
					p.line("%s = %s", name, settingText(all[name]))
				}
			}
			return nil
		},
	}
}

// names returns every setting by its dotted name, as a value that can be set.
func (s *settings) names() map[string]reflect.Value {
	out := map[string]reflect.Value{}
	top := reflect.ValueOf(s).Elem()
	for i := range top.NumField() {
		section := top.Type().Field(i).Tag.Get("toml")
		if section == "" {
			continue
		}
		group := top.Field(i)
		for j := range group.NumField() {
			out[section+"."+group.Type().Field(j).Tag.Get("toml")] = group.Field(j)
		}
	}
	return out
}

func settingText(v reflect.Value) string {
	if list, ok := v.Interface().([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v.Interface())
}

func (p *program) noSuchSetting(name string) error {
	return &failure{
		Code: "usage", Message: fmt.Sprintf(p.tr("aucun réglage ne s’appelle %s", "no setting is called %s"), name),
		Hint: p.tr("tous : essaim config get", "all of them: essaim config get"), exit: exitUsage,
	}
}
