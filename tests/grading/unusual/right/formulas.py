twice_dot = "x + x + x + x"
squares = "(2x) ⊙ upstream"
vector_sum = "x ** 0"
length_of_4x = "(16·x) / ‖4x‖"
mean_of_products = {"x": "3/4 * (z + 5)", "z": "(x + 2) * 3 / 4"}
matrix_product = {"a": "upstream @ bᵀ", "b": "aᵀ @ upstream"}
inverse = "-(inv(a) @ upstream.T @ inv(a)).T"
doubling = "value ÷ a"
relu_at_zero = "where(x >= 0, upstream, 0)"
softmax = "softmax(x) * upstream - softmax(x) * sum(softmax(x) * upstream, dim=1, keepdim=True)"
cross_entropy = "exp(logits) / sum(exp(logits), dim=1, keepdim=True) / 3 - one_hot(labels, 4) / 3"
thermometer = {"b": "2 * mean(w * t_u + b - t_c)", "w": "2/11 * dot(t_u, w*t_u + b - t_c)"}
absolute = "sign(x)"
larger = {"a": "where(a > b, upstream, 0)", "b": "where(a > b, 0, upstream)"}
