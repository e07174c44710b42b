# 作业一：全部手算，只写公式

twice_dot = "4·x"

squares = "2·x·upstream"

row_plus_column = {
    "row": "sum(upstream, dim=0, keepdim=True)",  # 复制了三行，梯度要加回来
    "column": "sum(upstream, dim=1, keepdim=True)",
}

matrix_product = {"a": "upstream @ bᵀ", "b": "aᵀ @ upstream"}

doubling = "value ÷ a"  # 每条路径上都是 a 的常数倍

cross_entropy = "(softmax(logits, dim=1) − one_hot(labels, 4)) ÷ 3"

relu_at_zero = "where(x > 0, upstream, 0)"

thermometer = {
    "w": "sum(2·(w·t_u + b − t_c)·t_u) / len(t_u)",
    "b": "2·mean(w·t_u + b − t_c)",
}

distance = {"p": "(p − q) / ‖p − q‖", "q": "(q − p) / ‖p − q‖"}
