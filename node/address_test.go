package node

import "testing"

func TestAddressesAsPeopleTypeThem(t *testing.T) {
	for _, tt := range []struct{ typed, want string }{
		{"https://exemple.fr/porte-clé", "https://exemple.fr/porte-cl%C3%A9"},
		{" https://exemple.fr/a b?q=é#ça ", "https://exemple.fr/a%20b?q=%C3%A9#%C3%A7a"},
		{"https://exemple.fr/d%C3%A9j%C3%A0", "https://exemple.fr/d%C3%A9j%C3%A0"},
		{"https://exemple.fr", "https://exemple.fr"},
		{"urn:isbn:9782070408504", "urn:isbn:9782070408504"},
		{"", ""},
	} {
		if got := webAddress(tt.typed); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.typed, got, tt.want)
		}
	}
}
