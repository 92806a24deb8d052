package api

import (
	"context"
	"errors"
	"net/http"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Community is who the node belongs to.
type Community struct {
	DID           string `json:"did"`
	Name          string `json:"name"`
	Kind          string `json:"kind" enum:"organisation,place,group,person"`
	Description   string `json:"description,omitempty"`
	URL           string `json:"url,omitempty"`
	Email         string `json:"email,omitempty"`
	Territory     string `json:"territory" doc:"home territory"`
	TerritoryName string `json:"territoryName"`
	Place         string `json:"place,omitempty" doc:"commune or city"`
	Point         string `json:"point,omitempty" example:"48.3904,-4.4861"`
}

// CommunityAnswer is the community, and whether setup made it.
type CommunityAnswer struct {
	Schema string `json:"schema"`
	Community
	New bool `json:"new,omitzero" doc:"setup made it just now"`
}

// SetupRequest makes a folder a community's, or changes what it says of itself.
type SetupRequest struct {
	Name        string      `json:"name" minLength:"1" maxLength:"256"`
	Kind        string      `json:"kind,omitempty" enum:"organisation,place,group,person" default:"place"`
	Place       string      `json:"place,omitempty" doc:"commune, postal code, city, or a point; needed unless territory is given" example:"Brest"`
	Point       string      `json:"point,omitempty" doc:"where it stands, when the middle of the commune is not good enough" example:"48.3904,-4.4861"`
	Territory   string      `json:"territory,omitempty" doc:"home territory; by default that of the place" example:"fr:epci:242900314"`
	Description string      `json:"description,omitempty"`
	URL         string      `json:"url,omitempty"`
	Email       string      `json:"email,omitempty"`
	Protection  *Protection `json:"protection,omitempty" doc:"of the keys; needed the first time"`
}

// Protection is what keeps the keys: one of the two.
type Protection struct {
	Passphrase string `json:"passphrase,omitempty" doc:"at least 8 characters; the node asks for it after each start"`
	KeyFile    string `json:"keyFile,omitempty" doc:"absolute path on the node of a file that opens the keys at each start, made when missing"`
}

func (s *Server) registerCommunity() {
	register(s, admin, post("setup", "/setup", "Make the keys of the community and publish its profile; may be repeated"), s.setup)
	register(s, read, get("get-community", "/community", "Who the node belongs to", http.StatusConflict), s.getCommunity)
}

type setupInput struct{ Body SetupRequest }

func (s *Server) setup(ctx context.Context, in *setupInput) (*Body[CommunityAnswer], error) {
	b := &in.Body
	home, err := optionalTerritory(b.Territory)
	if err != nil {
		return nil, err
	}
	var protection keyring.Protection
	if b.Protection != nil {
		protection.KeyFile = b.Protection.KeyFile
		if b.Protection.Passphrase != "" {
			protection.Passphrase = []byte(b.Protection.Passphrase)
		}
	}
	_, before := s.config.Node.Community()
	c, err := s.config.Node.Setup(ctx, node.Community{
		Name: b.Name, Kind: b.Kind, Description: b.Description, URL: b.URL, Email: b.Email,
		Territory: home, Place: b.Place, Point: b.Point,
	}, protection)
	if err != nil {
		return nil, err
	}
	return s.answer(c, errors.Is(before, node.ErrNoCommunity))
}

func (s *Server) getCommunity(context.Context, *struct{}) (*Body[CommunityAnswer], error) {
	c, err := s.config.Node.Community()
	if err != nil {
		return nil, err
	}
	return s.answer(c, false)
}

func (s *Server) answer(c node.Community, fresh bool) (*Body[CommunityAnswer], error) {
	view, err := s.community(c)
	return body(CommunityAnswer{"essaim.community/1", view, fresh}), err
}

func (s *Server) community(c node.Community) (Community, error) {
	g, err := s.config.Node.Gazetteer()
	if err != nil {
		return Community{}, err
	}
	return Community{
		DID: string(c.DID), Name: c.Name, Kind: c.Kind, Description: c.Description, URL: c.URL, Email: c.Email,
		Territory: string(c.Territory), TerritoryName: g.Name(c.Territory), Place: c.Place, Point: c.Point,
	}, nil
}

// named gives territories their names.
func (s *Server) named(ids []territory.ID) ([]Territory, error) {
	g, err := s.config.Node.Gazetteer()
	if err != nil {
		return nil, err
	}
	out := make([]Territory, len(ids))
	for i, id := range ids {
		out[i] = Territory{ID: string(id), Name: g.Name(id), Kind: id.Kind().String()}
	}
	return out, nil
}
