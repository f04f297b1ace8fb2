"""Functions of JavaScript's that expressions call where JavaScript has none of its own."""

HELPERS = {
    # Division of integers: towards 0; by 0 it is -1, as XLA's on a CPU is.
    "divide": "(a,b)=>b===0?-1:Math.trunc(a/b)",
    "remainder": "(a,b)=>b===0?a:a%b+0",
    # C's pow is 1 where JavaScript's is NaN.
    "power": "(a,b)=>a===1||a===-1&&Math.abs(b)===Infinity?1:a**b",
    "roundAway": "a=>Math.sign(a)*Math.round(Math.abs(a))",
    "roundEven": "a=>{const r=Math.round(a);return r-a===0.5&&r%2!==0?r-1:r}",
    "whole": "(a,low,high)=>a!==a?0:Math.min(Math.max(Math.trunc(a),low),high)+0",
    # Series of positive terms near 0, a continued fraction further out: both to rounding.
    "erf": (
        "a=>{const x=Math.abs(a);if(!(x<2.5))return a>0?1-erfc(a):a<0?erfc(-a)-1:a;"
        "let s=a,t=a;for(let n=1;n<99;n++){t*=2*a*a/(2*n+1);s+=t}"
        "return s*Math.exp(-a*a)*1.1283791670955126}"
    ),
    "erfc": (
        "a=>{if(!(a>=1.5))return a<-6?2:1-erf(a);if(a>27)return 0;"
        "let f=0;for(let n=200;n>0;n--)f=n/2/(a+f);"
        "return Math.exp(-a*a)*0.5641895835477563/(a+f)}"
    ),
    "erfInverse": (
        "a=>{if(!(Math.abs(a)<1))return a===1?Infinity:a===-1?-Infinity:NaN;if(a===0)return a;"
        "const l=Math.log1p(-a*a),b=4.33+l/2;"
        "let x=Math.sign(a)*Math.sqrt(Math.sqrt(b*b-l/0.147)-b);"
        "for(let n=0;n<4;n++){const e=a>0?(1-a)-erfc(x):erfc(-x)-(1+a);"
        "const d=(Math.abs(a)<0.5?erf(x)-a:e)/(1.1283791670955126*Math.exp(-x*x));x-=d/(1+x*d)}"
        "return x}"
    ),
}
"""Name → function. What one of them calls is taken along with it."""
