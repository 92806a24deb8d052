package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
)

func configSet(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "set " + p.tr("NOM VALEUR", "NAME VALUE"), Args: cobra.ExactArgs(2),
		Short:   p.tr("changer un réglage ; le nœud le prend au prochain démarrage", "change a setting; the node takes it at its next start"),
		Example: "  essaim config set http.public_url http://192.168.1.20:8797",
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			v, err := p.set(s.path, args[0], args[1])
			if err != nil {
				return err
			}
			if p.json {
				return p.document(struct {
					Schema string `json:"schema"`
					Name   string `json:"name"`
					Value  any    `json:"value"`
				}{"essaim.config-set/1", args[0], v.Interface()})
			}
			p.say("%s = %s, dans %s", "%s = %s, in %s", args[0], settingText(v), s.path)
			p.note("Pris en compte au prochain démarrage.", "Taken into account at the next start.")
			return nil
		},
	}
}

// set writes a setting to the file and returns its value.
func (p *program) set(path, name, text string) (reflect.Value, error) {
	// What the environment says is not what the file should.
	file := defaults()
	file.path = path
	if raw, err := os.ReadFile(path); err == nil {
		if err := toml.Unmarshal(raw, file); err != nil {
			return reflect.Value{}, err
		}
	}
	v, ok := file.names()[name]
	if !ok {
		return v, p.noSuchSetting(name)
	}
	if err := setText(v, text); err != nil {
		return v, usage(name + p.tr(" : ", ": ") + p.translated(err.Error()))
	}
	if err := file.check(); err != nil {
		return v, usage(p.translated(err.Error()))
	}
	raw, err := toml.Marshal(file)
	if err != nil {
		return v, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return v, err
	}
	return v, renameio.WriteFile(path, raw, 0o600)
}

// setText sets a value from what was typed: lists are separated by commas.
func setText(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case reflect.Slice:
		list := []string{}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		v.Set(reflect.ValueOf(list))
	default:
		v.SetString(text)
	}
	return nil
}
