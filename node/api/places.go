package api

import (
	"context"
	"net/http"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Place is a commune, an arrondissement, a city abroad, or a bare point.
type Place struct {
	Label         string   `json:"label" example:"Brest (Finistère)"`
	Name          string   `json:"name"`
	Code          string   `json:"code,omitempty" doc:"INSEE code in France, GeoNames id abroad"`
	Country       string   `json:"country,omitempty"`
	Department    string   `json:"department,omitempty"`
	Territory     string   `json:"territory" doc:"home territory of what happens there"`
	TerritoryName string   `json:"territoryName"`
	PostalCodes   []string `json:"postalCodes,omitempty"`
	Population    int      `json:"population,omitzero"`
	Point         string   `json:"point" example:"48.3904,-4.4861"`
}

// PlaceList is an answer to "which places?".
type PlaceList struct {
	Schema string  `json:"schema"`
	Places []Place `json:"places"`
}

// PlaceDetail is where the community is.
type PlaceDetail struct {
	Schema string `json:"schema"`
	Place
}

// PlaceRequest changes what the community says of itself. A member left out
// stays as it is; an empty one is taken away.
type PlaceRequest struct {
	Name        *string `json:"name,omitzero" minLength:"1" maxLength:"256"`
	Kind        *string `json:"kind,omitzero" enum:"organisation,place,group,person"`
	Place       *string `json:"place,omitzero" doc:"a new place brings its point and home territory, unless they are given"`
	Point       *string `json:"point,omitzero"`
	Territory   *string `json:"territory,omitzero"`
	Description *string `json:"description,omitzero"`
	URL         *string `json:"url,omitzero"`
	Email       *string `json:"email,omitzero"`
}

func (s *Server) registerPlaces() {
	register(s, read, get("search-places", "/places/search", "Communes and cities by name or code"), s.searchPlaces)
	register(s, read, get("show-place", "/places/show", "Where the community is", http.StatusConflict), s.showPlace)
	register(s, write, put("edit-place", "/places", "Change what the community says of itself"), s.editPlace)
}

func place(g *territory.Gazetteer, p territory.Place) Place {
	return Place{
		Label: g.Label(p), Name: p.Name, Code: p.Code, Country: p.Country, Department: p.Department,
		Territory: string(p.Territory), TerritoryName: g.Name(p.Territory), PostalCodes: p.PostalCodes,
		Population: p.Population, Point: p.Point.String(),
	}
}

func (s *Server) searchPlaces(_ context.Context, in *SearchInput) (*Body[PlaceList], error) {
	g, err := s.config.Node.Gazetteer()
	if err != nil {
		return nil, err
	}
	out := PlaceList{"essaim.places/1", []Place{}}
	for _, p := range g.Search(in.Query, in.Limit) {
		out.Places = append(out.Places, place(g, p))
	}
	return body(out), nil
}

func (s *Server) showPlace(context.Context, *struct{}) (*Body[PlaceDetail], error) {
	g, err := s.config.Node.Gazetteer()
	if err != nil {
		return nil, err
	}
	p, err := s.here(g)
	if err != nil {
		return nil, err
	}
	return body(PlaceDetail{"essaim.place/1", place(g, p)}), nil
}

// here returns where the community is: its point, else its place, else the
// middle of its home territory.
func (s *Server) here(g *territory.Gazetteer) (territory.Place, error) {
	c, err := s.config.Node.Community()
	if err != nil {
		return territory.Place{}, err
	}
	where := c.Point
	if where == "" {
		where = c.Place
	}
	if where == "" {
		center, ok := g.Center(c.Territory)
		if !ok {
			return territory.Place{}, &badge.Invalid{Member: "near", Why: "is missing, and the community has no place: run essaim place edit --place NAME"}
		}
		where = center.String()
	}
	p, err := g.Find(where)
	p.Territory = c.Territory
	return p, err
}

type placeInput struct{ Body PlaceRequest }

func (s *Server) editPlace(ctx context.Context, in *placeInput) (*Body[CommunityAnswer], error) {
	c, err := s.config.Node.Community()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if b.Place != nil && *b.Place != c.Place {
		c.Point, c.Territory = "", ""
	}
	for _, change := range []struct {
		to   *string
		from *string
	}{
		{&c.Name, b.Name},
		{&c.Kind, b.Kind},
		{&c.Place, b.Place},
		{&c.Point, b.Point},
		{&c.Description, b.Description},
		{&c.URL, b.URL},
		{&c.Email, b.Email},
	} {
		if change.from != nil {
			*change.to = *change.from
		}
	}
	if b.Territory != nil {
		if c.Territory, err = optionalTerritory(*b.Territory); err != nil {
			return nil, err
		}
	}
	if c, err = s.config.Node.Setup(ctx, c, keyring.Protection{}); err != nil {
		return nil, err
	}
	return s.answer(c, false)
}
