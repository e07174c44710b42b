twice_dot = "４ × ｘ"
squares = "２＊ｘ＊ｕｐｓｔｒｅａｍ"
length_of_4x = "４ｘ／‖ｘ‖"
mean_of_products = {"x": "（３／４）＊（ｚ ＋ ５）", "z": "0.75＊（x＋2）"}
vector_sum = "１ ＋ ０·x"
