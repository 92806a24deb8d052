package api

import (
	"context"
	"slices"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// Territory is a territory by id and name.
type Territory struct {
	ID         string `json:"id" example:"fr:epci:242900314"`
	Name       string `json:"name" example:"Brest Métropole"`
	Kind       string `json:"kind,omitempty" example:"epci"`
	Population int    `json:"population,omitzero"`
	Records    *int   `json:"records,omitzero" doc:"how many are here"`
}

// TerritoryList is an answer to "which territories?".
type TerritoryList struct {
	Schema      string      `json:"schema"`
	Territories []Territory `json:"territories"`
}

// TerritoryDetail is one territory as this node knows it.
type TerritoryDetail struct {
	Schema string `json:"schema"`
	Territory
	Center   string         `json:"center,omitempty" doc:"to put it on a map" example:"48.3904,-4.4861"`
	Within   []Territory    `json:"within" doc:"what holds it, nearest first"`
	Followed bool           `json:"followed"`
	ByKind   map[string]int `json:"byKind" doc:"records here, by kind"`
}

type territoryParam struct {
	ID string `path:"id" doc:"id of a territory" example:"fr:epci:242900314"`
}

// SearchInput is what a person typed.
type SearchInput struct {
	Query string `query:"q" required:"true" minLength:"1" maxLength:"200" doc:"a name or its beginning, or a code"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"how many at most"`
}

func (s *Server) registerTerritories() {
	register(s, read, get("list-territories", "/territories", "Territories the node follows"), s.listTerritories)
	register(s, read, get("search-territories", "/territories/search", "Territories by name or code"), s.searchTerritories)
	register(s, read, get("get-territory", "/territories/{id}", "One territory"), s.getTerritory)
	register(s, write, put("follow-territory", "/territories/{id}/follow", "Follow: hear, keep and pass on its records"), s.follow)
	register(s, write, remove("unfollow-territory", "/territories/{id}/follow", "Stop following; what was received stays"), s.unfollow)
}

func (s *Server) listTerritories(context.Context, *struct{}) (*Body[TerritoryList], error) {
	list, err := s.named(s.config.Node.Followed())
	if err != nil {
		return nil, err
	}
	for i := range list {
		n, err := s.config.Node.Store().Count(store.Query{Territory: territory.ID(list[i].ID)})
		if err != nil {
			return nil, err
		}
		list[i].Records = &n
	}
	return body(TerritoryList{"essaim.territories/1", list}), nil
}

func (s *Server) searchTerritories(_ context.Context, in *SearchInput) (*Body[TerritoryList], error) {
	g, err := s.config.Node.Gazetteer()
	if err != nil {
		return nil, err
	}
	out := TerritoryList{"essaim.territories/1", []Territory{}}
	for _, t := range g.SearchTerritories(in.Query, in.Limit) {
		out.Territories = append(out.Territories, Territory{ID: string(t.ID), Name: t.Name, Kind: t.Kind.String(), Population: t.Population})
	}
	return body(out), nil
}

func (s *Server) getTerritory(_ context.Context, in *territoryParam) (*Body[TerritoryDetail], error) {
	id, err := territory.Parse(in.ID)
	if err != nil {
		return nil, err
	}
	return s.territory(id)
}

func (s *Server) territory(id territory.ID) (*Body[TerritoryDetail], error) {
	g, err := s.config.Node.Gazetteer()
	if err != nil {
		return nil, err
	}
	within, err := s.named(g.Within(id))
	if err != nil {
		return nil, err
	}
	counts, total, err := s.countKinds(id)
	if err != nil {
		return nil, err
	}
	out := TerritoryDetail{
		Schema:    "essaim.territory/1",
		Territory: Territory{ID: string(id), Name: g.Name(id), Kind: id.Kind().String(), Records: &total},
		Within:    within, Followed: slices.Contains(s.config.Node.Followed(), id), ByKind: byKind(counts),
	}
	if center, ok := g.Center(id); ok {
		out.Center = center.String()
	}
	return body(out), nil
}

// countKinds walks the index of one territory, a microsecond a record.
func (s *Server) countKinds(id territory.ID) (counts map[protocol.Kind]int, total int, err error) {
	counts = map[protocol.Kind]int{}
	for e, err := range s.config.Node.Store().Find(store.Query{Territory: id}) {
		if err != nil {
			return nil, 0, err
		}
		counts[e.Kind]++
		total++
	}
	return counts, total, nil
}

func (s *Server) follow(_ context.Context, in *territoryParam) (*Body[TerritoryDetail], error) {
	id, err := territory.Parse(in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.config.Node.Follow(id); err != nil {
		return nil, err
	}
	return s.territory(id)
}

func (s *Server) unfollow(_ context.Context, in *territoryParam) (*Body[TerritoryDetail], error) {
	id, err := territory.Parse(in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.config.Node.Unfollow(id); err != nil {
		return nil, err
	}
	return s.territory(id)
}
