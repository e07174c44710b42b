# 作业一：梯度
import numpy as np

学生 = "王小明"
系数 = 4


def 单位向量(向量):
    """长度为一。"""
    return 向量 / np.linalg.norm(向量)


def twice_dot(向量):
    结果 = 系数 * 向量  # 梯度是四倍
    return 结果


def length_of_4x(x):
    return 系数 * 单位向量(x)


class 梯度:
    def __init__(自己, 名字):
        自己.名字 = 名字

    def __call__(自己, 输入, 上游):
        return 2 * 输入 * 上游


squares = 梯度("平方")
Δ = np.ones_like


def vector_sum(ｘ):  # a fullwidth x
    return Δ(x)
