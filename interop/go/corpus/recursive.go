package corpus

import "fmt"

func list(length int) *List {
	var head *List
	for i := length; i > 0; i-- {
		head = &List{Value: i, Next: head}
	}
	return head
}

func tree(depth int, key string) *Tree {
	if depth == 0 {
		return nil
	}
	return &Tree{key, tree(depth-1, key+"l"), tree(depth-1, key+"r")}
}

func nest(depth int) Nest {
	if depth == 0 {
		return Nest{}
	}
	return Nest{nest(depth - 1)}
}

func atlas(depth int) Atlas {
	if depth == 0 {
		return Atlas{}
	}
	return Atlas{"in": atlas(depth - 1)}
}

// recursive stays below a nesting of 64, except for what is named "deep/".
func (c *Corpus) recursive() {
	for _, length := range []int{1, 2, 3, 10, 50} {
		c.add(fmt.Sprintf("recursive/list-%d", length), list(length))
	}
	c.add("recursive/list-zeros", List{0, &List{0, &List{}}})
	c.add("recursive/tree-1", tree(1, ""))
	c.add("recursive/tree-4", tree(4, "root"))
	c.add("recursive/tree-left", Tree{Key: "a", Left: &Tree{Key: "b", Left: &Tree{}}})
	c.add("recursive/rose", Rose{"a", []Rose{{"b", nil}, {"", []Rose{{"c", []Rose{}}}}, {}}})
	c.add("recursive/trees", []*Tree{tree(2, "x"), {}})
	c.add("recursive/nest-nil", Nest(nil))
	c.add("recursive/nest-0", nest(0))
	c.add("recursive/nest-1", nest(1))
	c.add("recursive/nest-30", nest(30))
	c.add("recursive/nest-wide", Nest{{}, {{}, {}}, nil, {{{}}}})
	c.add("recursive/atlas-0", atlas(0))
	c.add("recursive/atlas-20", atlas(20))
	c.add("recursive/atlas-wide", Atlas{"a": {"b": {}, "c": nil}, "d": nil})
	c.add("recursive/folder", Folder{
		Files:   map[string]int{"readme": 1},
		Folders: map[string]*Folder{"src": {Files: map[string]int{"main": 2}}, "empty": {}},
	})
	c.add("recursive/mutual", Husband{"h", &Wife{"w", []Husband{{"h2", nil}, {"h3", &Wife{}}}}})
	c.add("recursive/mutual-other-end", Wife{"w", []Husband{{"h", &Wife{Name: "w2"}}}})
	c.add("recursive/list-map", map[string]*List{"a": list(2)})
	c.add("recursive/list-any", Any{list(3)})
	c.add("recursive/nest-any", Any{nest(2)})
	c.add("recursive/tree-any", AnyList{[]interface{}{tree(2, "t"), nil, *tree(1, "u")}})
	c.add("deep/list-200", list(200))
	c.add("deep/nest-200", nest(200))
	c.add("deep/wrap-100", wrap(100))
}

func wrap(depth int) Wrap {
	if depth == 0 {
		return Wrap{Label: "core"}
	}
	return Wrap{Inner: wrap(depth - 1)}
}
