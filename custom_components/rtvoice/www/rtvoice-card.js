var e=globalThis,t=e.ShadowRoot&&(e.ShadyCSS===void 0||e.ShadyCSS.nativeShadow)&&`adoptedStyleSheets`in Document.prototype&&`replace`in CSSStyleSheet.prototype,n=Symbol(),r=new WeakMap,i=class{constructor(e,t,r){if(this._$cssResult$=!0,r!==n)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=e,this.t=t}get styleSheet(){let e=this.o,n=this.t;if(t&&e===void 0){let t=n!==void 0&&n.length===1;t&&(e=r.get(n)),e===void 0&&((this.o=e=new CSSStyleSheet).replaceSync(this.cssText),t&&r.set(n,e))}return e}toString(){return this.cssText}},a=e=>new i(typeof e==`string`?e:e+``,void 0,n),o=(e,...t)=>new i(e.length===1?e[0]:t.reduce((t,n,r)=>t+(e=>{if(!0===e._$cssResult$)return e.cssText;if(typeof e==`number`)return e;throw Error(`Value passed to 'css' function must be a 'css' function result: `+e+`. Use 'unsafeCSS' to pass non-literal values, but take care to ensure page security.`)})(n)+e[r+1],e[0]),e,n),s=(n,r)=>{if(t)n.adoptedStyleSheets=r.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let t of r){let r=document.createElement(`style`),i=e.litNonce;i!==void 0&&r.setAttribute(`nonce`,i),r.textContent=t.cssText,n.appendChild(r)}},c=t?e=>e:e=>e instanceof CSSStyleSheet?(e=>{let t=``;for(let n of e.cssRules)t+=n.cssText;return a(t)})(e):e,{is:l,defineProperty:u,getOwnPropertyDescriptor:d,getOwnPropertyNames:f,getOwnPropertySymbols:p,getPrototypeOf:m}=Object,ee=globalThis,te=ee.trustedTypes,ne=te?te.emptyScript:``,re=ee.reactiveElementPolyfillSupport,h=(e,t)=>e,g={toAttribute(e,t){switch(t){case Boolean:e=e?ne:null;break;case Object:case Array:e=e==null?e:JSON.stringify(e)}return e},fromAttribute(e,t){let n=e;switch(t){case Boolean:n=e!==null;break;case Number:n=e===null?null:Number(e);break;case Object:case Array:try{n=JSON.parse(e)}catch{n=null}}return n}},ie=(e,t)=>!l(e,t),ae={attribute:!0,type:String,converter:g,reflect:!1,useDefault:!1,hasChanged:ie};Symbol.metadata??=Symbol(`metadata`),ee.litPropertyMetadata??=new WeakMap;var _=class extends HTMLElement{static addInitializer(e){this._$Ei(),(this.l??=[]).push(e)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(e,t=ae){if(t.state&&(t.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(e)&&((t=Object.create(t)).wrapped=!0),this.elementProperties.set(e,t),!t.noAccessor){let n=Symbol(),r=this.getPropertyDescriptor(e,n,t);r!==void 0&&u(this.prototype,e,r)}}static getPropertyDescriptor(e,t,n){let{get:r,set:i}=d(this.prototype,e)??{get(){return this[t]},set(e){this[t]=e}};return{get:r,set(t){let a=r?.call(this);i?.call(this,t),this.requestUpdate(e,a,n)},configurable:!0,enumerable:!0}}static getPropertyOptions(e){return this.elementProperties.get(e)??ae}static _$Ei(){if(this.hasOwnProperty(h(`elementProperties`)))return;let e=m(this);e.finalize(),e.l!==void 0&&(this.l=[...e.l]),this.elementProperties=new Map(e.elementProperties)}static finalize(){if(this.hasOwnProperty(h(`finalized`)))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(h(`properties`))){let e=this.properties,t=[...f(e),...p(e)];for(let n of t)this.createProperty(n,e[n])}let e=this[Symbol.metadata];if(e!==null){let t=litPropertyMetadata.get(e);if(t!==void 0)for(let[e,n]of t)this.elementProperties.set(e,n)}this._$Eh=new Map;for(let[e,t]of this.elementProperties){let n=this._$Eu(e,t);n!==void 0&&this._$Eh.set(n,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(e){let t=[];if(Array.isArray(e)){let n=new Set(e.flat(1/0).reverse());for(let e of n)t.unshift(c(e))}else e!==void 0&&t.push(c(e));return t}static _$Eu(e,t){let n=t.attribute;return!1===n?void 0:typeof n==`string`?n:typeof e==`string`?e.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(e=>this.enableUpdating=e),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(e=>e(this))}addController(e){(this._$EO??=new Set).add(e),this.renderRoot!==void 0&&this.isConnected&&e.hostConnected?.()}removeController(e){this._$EO?.delete(e)}_$E_(){let e=new Map,t=this.constructor.elementProperties;for(let n of t.keys())this.hasOwnProperty(n)&&(e.set(n,this[n]),delete this[n]);e.size>0&&(this._$Ep=e)}createRenderRoot(){let e=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return s(e,this.constructor.elementStyles),e}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(e=>e.hostConnected?.())}enableUpdating(e){}disconnectedCallback(){this._$EO?.forEach(e=>e.hostDisconnected?.())}attributeChangedCallback(e,t,n){this._$AK(e,n)}_$ET(e,t){let n=this.constructor.elementProperties.get(e),r=this.constructor._$Eu(e,n);if(r!==void 0&&!0===n.reflect){let i=(n.converter?.toAttribute===void 0?g:n.converter).toAttribute(t,n.type);this._$Em=e,i==null?this.removeAttribute(r):this.setAttribute(r,i),this._$Em=null}}_$AK(e,t){let n=this.constructor,r=n._$Eh.get(e);if(r!==void 0&&this._$Em!==r){let e=n.getPropertyOptions(r),i=typeof e.converter==`function`?{fromAttribute:e.converter}:e.converter?.fromAttribute===void 0?g:e.converter;this._$Em=r;let a=i.fromAttribute(t,e.type);this[r]=a??this._$Ej?.get(r)??a,this._$Em=null}}requestUpdate(e,t,n,r=!1,i){if(e!==void 0){let a=this.constructor;if(!1===r&&(i=this[e]),n??=a.getPropertyOptions(e),!((n.hasChanged??ie)(i,t)||n.useDefault&&n.reflect&&i===this._$Ej?.get(e)&&!this.hasAttribute(a._$Eu(e,n))))return;this.C(e,t,n)}!1===this.isUpdatePending&&(this._$ES=this._$EP())}C(e,t,{useDefault:n,reflect:r,wrapped:i},a){n&&!(this._$Ej??=new Map).has(e)&&(this._$Ej.set(e,a??t??this[e]),!0!==i||a!==void 0)||(this._$AL.has(e)||(this.hasUpdated||n||(t=void 0),this._$AL.set(e,t)),!0===r&&this._$Em!==e&&(this._$Eq??=new Set).add(e))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let e=this.scheduleUpdate();return e!=null&&await e,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[e,t]of this._$Ep)this[e]=t;this._$Ep=void 0}let e=this.constructor.elementProperties;if(e.size>0)for(let[t,n]of e){let{wrapped:e}=n,r=this[t];!0!==e||this._$AL.has(t)||r===void 0||this.C(t,void 0,n,r)}}let e=!1,t=this._$AL;try{e=this.shouldUpdate(t),e?(this.willUpdate(t),this._$EO?.forEach(e=>e.hostUpdate?.()),this.update(t)):this._$EM()}catch(t){throw e=!1,this._$EM(),t}e&&this._$AE(t)}willUpdate(e){}_$AE(e){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(e)),this.updated(e)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(e){return!0}update(e){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(e){}firstUpdated(e){}};_.elementStyles=[],_.shadowRootOptions={mode:`open`},_[h(`elementProperties`)]=new Map,_[h(`finalized`)]=new Map,re?.({ReactiveElement:_}),(ee.reactiveElementVersions??=[]).push(`2.1.2`);var oe=globalThis,se=e=>e,v=oe.trustedTypes,ce=v?v.createPolicy(`lit-html`,{createHTML:e=>e}):void 0,le=`$lit$`,y=`lit$${Math.random().toFixed(9).slice(2)}$`,ue=`?`+y,de=`<${ue}>`,b=document,x=()=>b.createComment(``),S=e=>e===null||typeof e!=`object`&&typeof e!=`function`,fe=Array.isArray,pe=e=>fe(e)||typeof e?.[Symbol.iterator]==`function`,me=`[ 	
\f\r]`,C=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,he=/-->/g,ge=/>/g,w=RegExp(`>|${me}(?:([^\\s"'>=/]+)(${me}*=${me}*(?:[^ \t\n\f\r"'\`<>=]|("|')|))|$)`,`g`),_e=/'/g,ve=/"/g,ye=/^(?:script|style|textarea|title)$/i,T=(e=>(t,...n)=>({_$litType$:e,strings:t,values:n}))(1),E=Symbol.for(`lit-noChange`),D=Symbol.for(`lit-nothing`),be=new WeakMap,O=b.createTreeWalker(b,129);function xe(e,t){if(!fe(e)||!e.hasOwnProperty(`raw`))throw Error(`invalid template strings array`);return ce===void 0?t:ce.createHTML(t)}var Se=(e,t)=>{let n=e.length-1,r=[],i,a=t===2?`<svg>`:t===3?`<math>`:``,o=C;for(let t=0;t<n;t++){let n=e[t],s,c,l=-1,u=0;for(;u<n.length&&(o.lastIndex=u,c=o.exec(n),c!==null);)u=o.lastIndex,o===C?c[1]===`!--`?o=he:c[1]===void 0?c[2]===void 0?c[3]!==void 0&&(o=w):(ye.test(c[2])&&(i=RegExp(`</`+c[2],`g`)),o=w):o=ge:o===w?c[0]===`>`?(o=i??C,l=-1):c[1]===void 0?l=-2:(l=o.lastIndex-c[2].length,s=c[1],o=c[3]===void 0?w:c[3]===`"`?ve:_e):o===ve||o===_e?o=w:o===he||o===ge?o=C:(o=w,i=void 0);let d=o===w&&e[t+1].startsWith(`/>`)?` `:``;a+=o===C?n+de:l>=0?(r.push(s),n.slice(0,l)+le+n.slice(l)+y+d):n+y+(l===-2?t:d)}return[xe(e,a+(e[n]||`<?>`)+(t===2?`</svg>`:t===3?`</math>`:``)),r]},Ce=class e{constructor({strings:t,_$litType$:n},r){let i;this.parts=[];let a=0,o=0,s=t.length-1,c=this.parts,[l,u]=Se(t,n);if(this.el=e.createElement(l,r),O.currentNode=this.el.content,n===2||n===3){let e=this.el.content.firstChild;e.replaceWith(...e.childNodes)}for(;(i=O.nextNode())!==null&&c.length<s;){if(i.nodeType===1){if(i.hasAttributes())for(let e of i.getAttributeNames())if(e.endsWith(le)){let t=u[o++],n=i.getAttribute(e).split(y),r=/([.?@])?(.*)/.exec(t);c.push({type:1,index:a,name:r[2],strings:n,ctor:r[1]===`.`?Te:r[1]===`?`?Ee:r[1]===`@`?De:j}),i.removeAttribute(e)}else e.startsWith(y)&&(c.push({type:6,index:a}),i.removeAttribute(e));if(ye.test(i.tagName)){let e=i.textContent.split(y),t=e.length-1;if(t>0){i.textContent=v?v.emptyScript:``;for(let n=0;n<t;n++)i.append(e[n],x()),O.nextNode(),c.push({type:2,index:++a});i.append(e[t],x())}}}else if(i.nodeType===8){if(i.data===ue)c.push({type:2,index:a});else{let e=-1;for(;(e=i.data.indexOf(y,e+1))!==-1;)c.push({type:7,index:a}),e+=y.length-1}}a++}}static createElement(e,t){let n=b.createElement(`template`);return n.innerHTML=e,n}};function k(e,t,n=e,r){if(t===E)return t;let i=r===void 0?n._$Cl:n._$Co?.[r],a=S(t)?void 0:t._$litDirective$;return i?.constructor!==a&&(i?._$AO?.(!1),a===void 0?i=void 0:(i=new a(e),i._$AT(e,n,r)),r===void 0?n._$Cl=i:(n._$Co??=[])[r]=i),i!==void 0&&(t=k(e,i._$AS(e,t.values),i,r)),t}var we=class{constructor(e,t){this._$AV=[],this._$AN=void 0,this._$AD=e,this._$AM=t}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(e){let{el:{content:t},parts:n}=this._$AD,r=(e?.creationScope??b).importNode(t,!0);O.currentNode=r;let i=O.nextNode(),a=0,o=0,s=n[0];for(;s!==void 0;){if(a===s.index){let t;s.type===2?t=new A(i,i.nextSibling,this,e):s.type===1?t=new s.ctor(i,s.name,s.strings,this,e):s.type===6&&(t=new Oe(i,this,e)),this._$AV.push(t),s=n[++o]}a!==s?.index&&(i=O.nextNode(),a++)}return O.currentNode=b,r}p(e){let t=0;for(let n of this._$AV)n!==void 0&&(n.strings===void 0?n._$AI(e[t]):(n._$AI(e,n,t),t+=n.strings.length-2)),t++}},A=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(e,t,n,r){this.type=2,this._$AH=D,this._$AN=void 0,this._$AA=e,this._$AB=t,this._$AM=n,this.options=r,this._$Cv=r?.isConnected??!0}get parentNode(){let e=this._$AA.parentNode,t=this._$AM;return t!==void 0&&e?.nodeType===11&&(e=t.parentNode),e}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(e,t=this){e=k(this,e,t),S(e)?e===D||e==null||e===``?(this._$AH!==D&&this._$AR(),this._$AH=D):e!==this._$AH&&e!==E&&this._(e):e._$litType$===void 0?e.nodeType===void 0?pe(e)?this.k(e):this._(e):this.T(e):this.$(e)}O(e){return this._$AA.parentNode.insertBefore(e,this._$AB)}T(e){this._$AH!==e&&(this._$AR(),this._$AH=this.O(e))}_(e){this._$AH!==D&&S(this._$AH)?this._$AA.nextSibling.data=e:this.T(b.createTextNode(e)),this._$AH=e}$(e){let{values:t,_$litType$:n}=e,r=typeof n==`number`?this._$AC(e):(n.el===void 0&&(n.el=Ce.createElement(xe(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===r)this._$AH.p(t);else{let e=new we(r,this),n=e.u(this.options);e.p(t),this.T(n),this._$AH=e}}_$AC(e){let t=be.get(e.strings);return t===void 0&&be.set(e.strings,t=new Ce(e)),t}k(t){fe(this._$AH)||(this._$AH=[],this._$AR());let n=this._$AH,r,i=0;for(let a of t)i===n.length?n.push(r=new e(this.O(x()),this.O(x()),this,this.options)):r=n[i],r._$AI(a),i++;i<n.length&&(this._$AR(r&&r._$AB.nextSibling,i),n.length=i)}_$AR(e=this._$AA.nextSibling,t){for(this._$AP?.(!1,!0,t);e!==this._$AB;){let t=se(e).nextSibling;se(e).remove(),e=t}}setConnected(e){this._$AM===void 0&&(this._$Cv=e,this._$AP?.(e))}},j=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(e,t,n,r,i){this.type=1,this._$AH=D,this._$AN=void 0,this.element=e,this.name=t,this._$AM=r,this.options=i,n.length>2||n[0]!==``||n[1]!==``?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=D}_$AI(e,t=this,n,r){let i=this.strings,a=!1;if(i===void 0)e=k(this,e,t,0),a=!S(e)||e!==this._$AH&&e!==E,a&&(this._$AH=e);else{let r=e,o,s;for(e=i[0],o=0;o<i.length-1;o++)s=k(this,r[n+o],t,o),s===E&&(s=this._$AH[o]),a||=!S(s)||s!==this._$AH[o],s===D?e=D:e!==D&&(e+=(s??``)+i[o+1]),this._$AH[o]=s}a&&!r&&this.j(e)}j(e){e===D?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,e??``)}},Te=class extends j{constructor(){super(...arguments),this.type=3}j(e){this.element[this.name]=e===D?void 0:e}},Ee=class extends j{constructor(){super(...arguments),this.type=4}j(e){this.element.toggleAttribute(this.name,!!e&&e!==D)}},De=class extends j{constructor(e,t,n,r,i){super(e,t,n,r,i),this.type=5}_$AI(e,t=this){if((e=k(this,e,t,0)??D)===E)return;let n=this._$AH,r=e===D&&n!==D||e.capture!==n.capture||e.once!==n.once||e.passive!==n.passive,i=e!==D&&(n===D||r);r&&this.element.removeEventListener(this.name,this,n),i&&this.element.addEventListener(this.name,this,e),this._$AH=e}handleEvent(e){typeof this._$AH==`function`?this._$AH.call(this.options?.host??this.element,e):this._$AH.handleEvent(e)}},Oe=class{constructor(e,t,n){this.element=e,this.type=6,this._$AN=void 0,this._$AM=t,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(e){k(this,e)}},ke={M:le,P:y,A:ue,C:1,L:Se,R:we,D:pe,V:k,I:A,H:j,N:Ee,U:De,B:Te,F:Oe},Ae=oe.litHtmlPolyfillSupport;Ae?.(Ce,A),(oe.litHtmlVersions??=[]).push(`3.3.3`);var je=(e,t,n)=>{let r=n?.renderBefore??t,i=r._$litPart$;if(i===void 0){let e=n?.renderBefore??null;r._$litPart$=i=new A(t.insertBefore(x(),e),e,void 0,n??{})}return i._$AI(e),i},Me=globalThis,M=class extends _{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let e=super.createRenderRoot();return this.renderOptions.renderBefore??=e.firstChild,e}update(e){let t=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(e),this._$Do=je(t,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return E}};M._$litElement$=!0,M.finalized=!0,Me.litElementHydrateSupport?.({LitElement:M});var Ne=Me.litElementPolyfillSupport;Ne?.({LitElement:M}),(Me.litElementVersions??=[]).push(`4.2.2`);var Pe={attribute:!0,type:String,converter:g,reflect:!1,hasChanged:ie},Fe=(e=Pe,t,n)=>{let{kind:r,metadata:i}=n,a=globalThis.litPropertyMetadata.get(i);if(a===void 0&&globalThis.litPropertyMetadata.set(i,a=new Map),r===`setter`&&((e=Object.create(e)).wrapped=!0),a.set(n.name,e),r===`accessor`){let{name:r}=n;return{set(n){let i=t.get.call(this);t.set.call(this,n),this.requestUpdate(r,i,e,!0,n)},init(t){return t!==void 0&&this.C(r,void 0,e,t),t}}}if(r===`setter`){let{name:r}=n;return function(n){let i=this[r];t.call(this,n),this.requestUpdate(r,i,e,!0,n)}}throw Error(`Unsupported decorator location: `+r)};function N(e){return(t,n)=>typeof n==`object`?Fe(e,t,n):((e,t,n)=>{let r=t.hasOwnProperty(n);return t.constructor.createProperty(n,e),r?Object.getOwnPropertyDescriptor(t,n):void 0})(e,t,n)}function Ie(e){return N({...e,state:!0,attribute:!1})}var Le=o`
:host {
display: block;
height: 100%;
container-type: inline-size;
}
ha-card {
display: flex;
flex-direction: column;
height: 100%;
overflow: hidden;
color: var(--rtv-text);
font-size: var(--ha-font-size-m, 14px);
}
/* Outside of Home Assistant. */
ha-card:not(:defined) {
border: 1px solid var(--rtv-line);
border-radius: var(--ha-card-border-radius, 12px);
background: var(--rtv-surface);
font-family: var(--ha-font-family-body, Roboto, system-ui, sans-serif);
}
header {
padding: 14px 16px 0;
}
h2 {
margin: 0;
font-size: var(--ha-font-size-l, 16px);
font-weight: var(--ha-font-weight-medium, 500);
line-height: 1.4;
overflow-wrap: anywhere;
}
header p,
.hint {
margin: 0;
color: var(--rtv-text-2);
line-height: 1.4;
}
.body {
display: flex;
flex: 1 1 auto;
flex-direction: column;
min-height: 0;
}
.stage {
display: flex;
flex: none;
flex-direction: column;
align-items: center;
padding: 4px 16px 16px;
text-align: center;
}
.status {
font-size: var(--ha-font-size-xl, 20px);
line-height: 1.3;
}
.hint {
min-height: 1.4em;
}
rtvoice-level-meter {
max-width: 320px;
margin-top: 12px;
}
.controls {
display: flex;
flex-wrap: wrap;
justify-content: center;
gap: 8px;
margin-top: 12px;
}
rtvoice-transcript {
flex: 1 1 auto;
max-height: 340px;
border-top: 1px solid var(--rtv-line);
padding-top: 12px;
}
@container (min-width: 600px) {
.body.talks {
flex-direction: row;
}
.talks .stage {
flex: 0 0 290px;
justify-content: center;
}
.talks rtvoice-transcript {
flex: 1 1 0;
max-height: 420px;
border-top: none;
padding-top: 0;
}
}
.fault {
padding: 16px 0 4px;
}
.fault h2 {
padding: 0 16px 8px;
}
`;function Re(e){let t=e.entities??{};return Object.keys(t).filter(e=>e.startsWith(`assist_satellite.`)&&t[e]?.platform===`rtvoice`)}var ze=`rtvoice-card`,P={show_transcript:!0,show_tools:!0,show_level:!0,show_volume:!0,show_input:!1,auto_connect:!0};function F(e,t){return e[t]??P[t]}function Be(e){if(typeof e!=`object`||!e)throw Error(`The card has no configuration.`);let t={...e};return He(t),{...t,entity:t.entity??``}}function Ve(e){return{entity:Re(e)[0]??``}}function He({entity:e=``,title:t,...n}){if(typeof e!=`string`||e!==``&&!e.startsWith(`assist_satellite.`))throw Error(`'entity' must be a satellite of Realtime Voice, such as assist_satellite.kitchen_tablet.`);if(t!==void 0&&typeof t!=`string`)throw Error(`'title' must be text.`);for(let e of Object.keys(P))if(![`undefined`,`boolean`].includes(typeof n[e]))throw Error(`'${e}' must be true or false.`)}var Ue=`M11,15H13V17H11V15M11,7H13V13H11V7M12,2C6.47,2 2,6.5 2,12A10,10 0 0,0 12,22A10,10 0 0,0 22,12A10,10 0 0,0 12,2M12,20A8,8 0 0,1 4,12A8,8 0 0,1 12,4A8,8 0 0,1 20,12A8,8 0 0,1 12,20Z`,We=`M21,7L9,19L3.5,13.5L4.91,12.09L9,16.17L19.59,5.59L21,7Z`,Ge=`M19,6.41L17.59,5L12,10.59L6.41,5L5,6.41L10.59,12L5,17.59L6.41,19L12,13.41L17.59,19L19,17.59L13.41,12L19,6.41Z`,Ke=`M11,9H13V7H11M12,20C7.59,20 4,16.41 4,12C4,7.59 7.59,4 12,4C16.41,4 20,7.59 20,12C20,16.41 16.41,20 12,20M12,2A10,10 0 0,0 2,12A10,10 0 0,0 12,22A10,10 0 0,0 22,12A10,10 0 0,0 12,2M11,17H13V11H11V17Z`,qe=`M12,2A3,3 0 0,1 15,5V11A3,3 0 0,1 12,14A3,3 0 0,1 9,11V5A3,3 0 0,1 12,2M19,11C19,14.53 16.39,17.44 13,17.93V21H11V17.93C7.61,17.44 5,14.53 5,11H7A5,5 0 0,0 12,16A5,5 0 0,0 17,11H19Z`,Je=`M19,11C19,12.19 18.66,13.3 18.1,14.28L16.87,13.05C17.14,12.43 17.3,11.74 17.3,11H19M15,11.16L9,5.18V5A3,3 0 0,1 12,2A3,3 0 0,1 15,5V11L15,11.16M4.27,3L21,19.73L19.73,21L15.54,16.81C14.77,17.27 13.91,17.58 13,17.72V21H11V17.72C7.72,17.23 5,14.41 5,11H6.7C6.7,14 9.24,16.1 12,16.1C12.81,16.1 13.6,15.91 14.31,15.58L12.65,13.92L12,14A3,3 0 0,1 9,11V10.28L3,4.27L4.27,3Z`,Ye=`M2,21L23,12L2,3V10L17,12L2,14V21Z`,Xe=`M18,18H6V6H18V18Z`,Ze=`M12,2A10,10 0 0,0 2,12A10,10 0 0,0 12,22A10,10 0 0,0 22,12A10,10 0 0,0 12,2M12,4C16.41,4 20,7.59 20,12C20,16.41 16.41,20 12,20C7.59,20 4,16.41 4,12C4,7.59 7.59,4 12,4M9,9V15H15V9`,Qe=`M14,3.23V5.29C16.89,6.15 19,8.83 19,12C19,15.17 16.89,17.84 14,18.7V20.77C18,19.86 21,16.28 21,12C21,7.72 18,4.14 14,3.23M16.5,12C16.5,10.23 15.5,8.71 14,7.97V16C15.5,15.29 16.5,13.76 16.5,12M3,9V15H7L12,20V4L7,9H3Z`;function I(e){return T`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
<path d=${e} fill="currentColor"></path>
</svg>`}function $e(e,t,n){return T`
<button class="pill" type="button" aria-pressed=${t} @click=${n}>
${I(t?Je:qe)} ${e(`mute`)}
</button>
`}function et(e,t,n){return T`
<button class="pill" type="button" ?disabled=${!t} @click=${n}>
${I(Ze)} ${e(`interrupt`)}
</button>
`}function tt(e,t,n){return T`
<label class="volume">
${I(Qe)}
<input
type="range"
min="0"
max="100"
aria-label=${e(`volume`)}
.value=${String(Math.round(t*100))}
@input=${e=>{n(e.target.valueAsNumber/100)}}
/>
</label>
`}function nt(e,t){return T`
<form class="message" @submit=${e=>{e.preventDefault();let n=e.target.querySelector(`input`),r=n?.value.trim()??``;n!==null&&r!==``&&(t(r),n.value=``)}}>
<input
type="text"
aria-label=${e(`message`)}
placeholder=${e(`message_placeholder`)}
autocomplete="off"
maxlength="4000"
/>
<button type="submit" aria-label=${e(`send`)}>${I(Ye)}</button>
</form>
`}var rt=o`
.pill {
display: inline-flex;
align-items: center;
gap: 8px;
min-height: 44px;
padding: 0 18px 0 14px;
border-radius: 22px;
background: var(--rtv-neutral-quiet);
font-weight: 500;
transition: background-color 0.2s;
}
.pill:hover {
background: var(--rtv-neutral);
}
.pill[aria-pressed="true"] {
background: var(--rtv-danger-tone);
}
.pill:disabled {
cursor: default;
opacity: 0.5;
background: var(--rtv-neutral-quiet);
}
.pill .icon,
.volume .icon {
width: 20px;
height: 20px;
}
.volume {
display: flex;
align-items: center;
gap: 10px;
width: min(100%, 240px);
color: var(--rtv-text-2);
}
.volume input {
flex: 1;
min-width: 0;
height: 44px;
margin: 0;
cursor: pointer;
accent-color: var(--rtv-loud);
}
.message {
display: flex;
gap: 8px;
padding: 0 16px 16px;
}
.message input {
flex: 1;
min-width: 0;
min-height: 44px;
padding: 0 18px;
border: 1px solid var(--rtv-line);
border-radius: 22px;
font: inherit;
color: inherit;
background: transparent;
}
.message input::placeholder {
color: var(--rtv-text-2);
opacity: 1;
}
.message button {
display: grid;
place-items: center;
width: 44px;
height: 44px;
flex: none;
padding: 0;
border-radius: 50%;
background: var(--rtv-tone);
}
`;function it({kind:e,text:t,action:n,dismiss:r}){return T`
<div class="notice ${e}">
${I(e===`error`?Ue:Ke)}
<span>${t}</span>
${n===void 0?D:T`<button class="text" type="button" @click=${n.run}>${n.label}</button>`}
${r===void 0?D:T`<button class="close" type="button" aria-label=${r.label} @click=${r.run}>
${I(Ge)}
</button>`}
</div>
`}var at=o`
.notice {
display: flex;
flex-wrap: wrap;
align-items: center;
gap: 4px 12px;
margin: 0 16px 12px;
padding: 4px 4px 4px 14px;
min-height: 52px;
border-radius: 16px;
background: var(--rtv-neutral-quiet);
line-height: 1.35;
}
.notice > span {
flex: 1 1 0;
min-width: 10em;
padding: 8px 10px 8px 0;
overflow-wrap: anywhere;
}
.notice.error {
background: var(--rtv-danger-tone);
}
.notice.error > .icon {
color: var(--rtv-danger);
}
.notice button {
min-width: 44px;
min-height: 44px;
border-radius: 22px;
}
.notice .close {
display: grid;
place-items: center;
padding: 0;
}
.notice .text {
padding: 0 16px;
font-weight: 500;
background: var(--rtv-tone);
}
`,L=o`
:host {
--rtv-text: var(--primary-text-color, #141414);
--rtv-text-2: var(--ha-color-text-secondary, var(--secondary-text-color, #5e5e5e));
--rtv-surface: var(--ha-card-background, var(--card-background-color, #fff));
--rtv-line: var(--ha-color-border-neutral-quiet, var(--divider-color, #e0e0e0));
--rtv-loud: var(--ha-color-fill-primary-loud-resting, var(--primary-color, #009ac7));
--rtv-loud-hover: var(--ha-color-fill-primary-loud-hover, var(--primary-color, #007ea5));
--rtv-on-loud: var(--ha-color-on-primary-loud, var(--text-primary-color, #fff));
--rtv-tone: var(--ha-color-fill-primary-normal-resting, #dff3fc);
--rtv-tone-hover: var(--ha-color-fill-primary-normal-hover, #c3e8f8);
--rtv-neutral: var(--ha-color-fill-neutral-normal-resting, #e6e6e6);
--rtv-neutral-quiet: var(--ha-color-fill-neutral-quiet-resting, #f3f3f3);
--rtv-danger: var(--ha-color-on-danger-normal, var(--error-color, #c82f2f));
--rtv-danger-tone: var(--ha-color-fill-danger-normal-resting, #ffe0e0);
--rtv-good: var(--ha-color-on-success-normal, var(--success-color, #2e7d32));
--rtv-focus: var(--primary-color, #009ac7);
--rtv-radius: var(--ha-border-radius-2xl, 20px);
box-sizing: border-box;
color: var(--rtv-text);
}
*,
*::before,
*::after {
box-sizing: inherit;
}
.icon {
display: block;
width: 24px;
height: 24px;
flex: none;
}
button {
font: inherit;
color: inherit;
border: none;
background: none;
cursor: pointer;
-webkit-tap-highlight-color: transparent;
}
:focus-visible {
outline: 3px solid var(--rtv-focus);
outline-offset: 3px;
}
.unseen {
position: absolute;
width: 1px;
height: 1px;
margin: -1px;
overflow: hidden;
clip-path: inset(50%);
white-space: nowrap;
}
`,ot={card_name:`Realtime Voice`,card_description:`Hier mit dem Zuhause sprechen oder das Gespräch eines anderen Satelliten verfolgen und steuern.`,status_idle:`Bereit`,status_connecting:`Verbindet …`,status_listening:`Hört zu`,status_thinking:`Denkt nach …`,status_speaking:`Spricht`,status_reconnecting:`Verbindet neu …`,status_offline:`Offline`,status_muted:`Stumm`,status_loading:`Lädt …`,hint_start:`Zum Sprechen tippen`,hint_cancel:`Zum Abbrechen tippen`,hint_stop:`Zum Beenden tippen`,hint_stop_elsewhere:`Auf einer anderen Seite in Gebrauch. Zum Beenden tippen`,hint_elsewhere:`Auf einer anderen Seite geöffnet. Tippen, um hier zu sprechen`,hint_offline:`Dieser Satellit ist nicht verbunden`,hint_lost:`Die Verbindung ist abgebrochen und wird neu aufgebaut`,hint_watch_only:`Zuschauen ist erlaubt, Steuern nicht`,button_start:`Gespräch mit {name} beginnen`,button_stop:`Gespräch mit {name} beenden`,mute:`Stumm`,interrupt:`Unterbrechen`,use_here:`Hier verwenden`,dismiss:`Ausblenden`,volume:`Lautstärke`,send:`Senden`,message:`Nachricht`,message_placeholder:`Dem Agenten schreiben`,you:`Du`,agent:`Agent`,said:`{who}: {text}`,interrupted:`unterbrochen`,transcript:`Gespräch`,transcript_empty:`Hier erscheint, was du und der Agent sagen.`,level_you:`Du`,level_agent:`Agent`,tool_running:`läuft`,tool_ok:`erledigt`,tool_failed:`fehlgeschlagen`,microphone_denied:`Diese Seite darf das Mikrofon nicht verwenden. Erlaube es in den Browsereinstellungen für diese Adresse und tippe noch einmal.`,microphone_missing:`Dieses Gerät hat kein Mikrofon, das der Browser verwenden kann.`,microphone_insecure:`Browser geben das Mikrofon nur sicheren Seiten. Öffne Home Assistant über https, in der Companion-App über https oder auf dem Rechner selbst über localhost.`,microphone_lost:`Das Mikrofon ist weg: Es wurde ausgesteckt oder von einem anderen Programm belegt.`,microphone_silent:`Das Mikrofon ist offen, aber der Browser bekommt nichts von ihm. Schließe andere Programme, die es benutzen, oder lade die Seite neu.`,replaced:`Eine andere Seite ist jetzt dieser Satellit.`,elsewhere:`Dieser Satellit ist auf einer anderen Seite geöffnet.`,error_title:`Diese Karte kann nicht angezeigt werden`,error_entity_missing:`Wähle in den Einstellungen der Karte einen Satelliten von Realtime Voice.`,error_entity_unknown:`{entity} ist kein Satellit von Realtime Voice, oder du darfst ihn nicht sehen. Wähle in den Einstellungen der Karte einen anderen.`,error_lost:`Die Verbindung zu Home Assistant ist abgebrochen.`,error_timeout:`Home Assistant hat nicht rechtzeitig geantwortet.`,error_unauthorized:`Du darfst diesen Satelliten nicht verwenden.`,error_not_loaded:`Realtime Voice ist nicht geladen. Sieh unter Einstellungen, Geräte & Dienste nach.`,error_not_found:`Diesen Satelliten gibt es nicht mehr, oder Realtime Voice startet noch.`,error_failed:`Das hat nicht funktioniert. Vielleicht sagt das Protokoll von Home Assistant mehr.`,editor_entity:`Satellit`,editor_entity_helper:`Wo das Gespräch stattfindet. Ein Browser-Satellit hört und spricht auf der Seite, auf der getippt wird.`,editor_no_satellites:`Es gibt noch keinen Satelliten. Füge einen auf der Seite von Realtime Voice unter Einstellungen, Geräte & Dienste hinzu.`,editor_title:`Titel`,editor_title_helper:`Statt des Namens des Satelliten. Leer lassen, um nichts zu ändern.`,editor_show:`Was gezeigt wird`,editor_show_transcript:`Gespräch`,editor_show_tools:`Was der Agent tut`,editor_show_level:`Pegel`,editor_show_volume:`Lautstärke`,editor_show_input:`Textfeld`,editor_auto_connect:`Von selbst verbinden`,editor_auto_connect_helper:`Wurde dieser Browser einmal als Satellit verwendet, ist er es wieder, sobald die Karte zu sehen ist. So können Automationen ein Gespräch beginnen.`},st={card_name:`Realtime Voice`,card_description:`Talk with your home here, or follow and control the conversation of another satellite.`,status_idle:`Ready`,status_connecting:`Connecting …`,status_listening:`Listening`,status_thinking:`Thinking …`,status_speaking:`Speaking`,status_reconnecting:`Reconnecting …`,status_offline:`Offline`,status_muted:`Muted`,status_loading:`Loading …`,hint_start:`Tap to talk`,hint_cancel:`Tap to cancel`,hint_stop:`Tap to end`,hint_stop_elsewhere:`In use on another page. Tap to end`,hint_elsewhere:`Open on another page. Tap to use it here`,hint_offline:`This satellite is not connected`,hint_lost:`The connection was lost and is being made again`,hint_watch_only:`You may watch, but not control it`,button_start:`Start talking with {name}`,button_stop:`End the conversation with {name}`,mute:`Mute`,interrupt:`Interrupt`,use_here:`Use here`,dismiss:`Dismiss`,volume:`Volume`,send:`Send`,message:`Message`,message_placeholder:`Write to the agent`,you:`You`,agent:`Agent`,said:`{who}: {text}`,interrupted:`interrupted`,transcript:`Conversation`,transcript_empty:`What you and the agent say appears here.`,level_you:`You`,level_agent:`Agent`,tool_running:`running`,tool_ok:`done`,tool_failed:`failed`,microphone_denied:`This page may not use the microphone. Allow it in the browser's settings for this address, then tap again.`,microphone_missing:`This device has no microphone that the browser can use.`,microphone_insecure:`Browsers lend the microphone only to secure pages. Open Home Assistant by https, in the Companion app by https, or on the machine itself by localhost.`,microphone_lost:`The microphone is gone: it was unplugged, or another program took it.`,microphone_silent:`The microphone is open, but the browser gets nothing from it. Close other programs that use it, or reload the page.`,replaced:`Another page is this satellite now.`,elsewhere:`This satellite is open on another page.`,error_title:`This card cannot be shown`,error_entity_missing:`Choose a satellite of Realtime Voice in the card's settings.`,error_entity_unknown:`{entity} is not a satellite of Realtime Voice, or you may not see it. Choose another one in the card's settings.`,error_lost:`The connection to Home Assistant was lost.`,error_timeout:`Home Assistant did not answer in time.`,error_unauthorized:`You may not use this satellite.`,error_not_loaded:`Realtime Voice is not loaded. Look under Settings, Devices & services.`,error_not_found:`This satellite does not exist any more, or Realtime Voice is still starting.`,error_failed:`That did not work. The log of Home Assistant may say more.`,editor_entity:`Satellite`,editor_entity_helper:`Where the conversation takes place. A browser satellite listens and speaks in the page that is tapped.`,editor_no_satellites:`There is no satellite yet. Add one on the page of Realtime Voice under Settings, Devices & services.`,editor_title:`Title`,editor_title_helper:`Instead of the satellite's name. Leave empty for no change.`,editor_show:`What is shown`,editor_show_transcript:`Conversation`,editor_show_tools:`What the agent does`,editor_show_level:`Levels`,editor_show_volume:`Volume`,editor_show_input:`Text field`,editor_auto_connect:`Come online by itself`,editor_auto_connect_helper:`Once this browser was used as the satellite, it is one again as soon as the card is shown, so that automations can start a conversation.`},ct={en:st,de:ot};function lt(e){let t=ct[e]??ct[e.split(`-`)[0]??``]??st;return(e,n={})=>Object.entries(n).reduce((e,[t,n])=>e.replace(`{${t}}`,()=>n),t[e])}var ut={denied:`microphone_denied`,missing:`microphone_missing`,insecure:`microphone_insecure`,lost:`microphone_lost`,silent:`microphone_silent`},dt={lost:`error_lost`,timeout:`error_timeout`,unauthorized:`error_unauthorized`,unknown_command:`error_not_loaded`,not_found:`error_not_found`};function ft({code:e,message:t},n){let r=dt[e];return r===void 0?t===``?n(`error_failed`):t:n(r)}function pt(e,t,n){let r={label:n(`dismiss`),run:()=>{e.dismiss()}};return{errors:[...mt(e,n)].map(e=>({kind:`error`,text:e,dismiss:r})),infos:ht(e,t,n)}}function mt({page:e,session:t,failed:n},r){let i=new Set;e.failure!==null&&i.add(r(ut[e.failure]));for(let t of[n??null,e.error])t!==null&&i.add(ft(t,r));return t.error!==null&&t.error!==``&&i.add(t.error),i}function ht(e,t,n){let r=e.page.link===`replaced`;if(!r&&!(t.canTakeOver&&t.action===`stop`))return[];let i={label:n(`use_here`),run:()=>void e.takeOver()};return[{kind:`info`,text:n(r?`replaced`:`elsewhere`),action:i}]}var gt=`rtvoice-capture`,_t=`rtvoice-playout`,vt=3e3,yt={echoCancellation:!0,noiseSuppression:!0,autoGainControl:!0,channelCount:1},R=class extends Error{constructor(e,t){super(`No microphone: ${e}`,{cause:t}),this.reason=e}};function bt(){return window.isSecureContext&&`mediaDevices`in navigator&&`AudioWorkletNode`in window}var xt=class{constructor(e,t){this.context=e,this.events=t,this.nodes=[],this.generation=0,this.isMuted=!1,this.lose=()=>{this.isOpen&&(this.close(),this.events.onLost())}}get isOpen(){return this.stream!==void 0}set muted(e){this.isMuted=e;for(let t of this.stream?.getTracks()??[])t.enabled=!e}open(){return this.opening??=this.listen(),this.opening}close(){this.generation+=1,this.opening=void 0,clearTimeout(this.silenced),wt(this.stream),this.stream=void 0;for(let e of this.nodes)e.disconnect();this.nodes=[]}async listen(){let e=this.generation;try{let t=await St();e===this.generation?this.connect(t):wt(t)}catch(t){if(e===this.generation)throw this.opening=void 0,t}}connect(e){this.stream=e;let t=this.context.createMediaStreamSource(e),n=new AudioWorkletNode(this.context,gt,{numberOfOutputs:0,channelCount:1,channelCountMode:`explicit`});n.port.onmessage=({data:t})=>{this.stream===e&&this.events.onFrame(t.frame,t.level)},t.connect(n),this.nodes=[t,n];for(let t of e.getTracks())t.enabled=!this.isMuted,t.onended=this.lose,t.onmute=()=>{this.silenced=setTimeout(this.lose,vt)},t.onunmute=()=>{clearTimeout(this.silenced)}}};async function St(){if(!bt())throw new R(`insecure`);try{return await navigator.mediaDevices.getUserMedia({audio:yt})}catch(e){throw new R(Ct(e),e)}}function Ct(e){switch(e instanceof Error||e instanceof DOMException?e.name:``){case`NotAllowedError`:case`SecurityError`:return`denied`;case`NotReadableError`:case`AbortError`:return`lost`;default:return`missing`}}function wt(e){for(let t of e?.getTracks()??[])t.onended=null,t.stop()}var Tt=500,Et=3e4;function Dt(e,t){let n=Math.min(Et,Tt*2**Math.max(0,e-1));return Math.round(n*(.75+t/4))}var Ot=[`idle`,`connecting`,`listening`,`thinking`,`speaking`,`reconnecting`],kt=[`running`,`ok`,`failed`];function At(e){let t=z(e);switch(t.type){case`snapshot`:return{type:`snapshot`,state:Pt(t),turns:zt(t.turns).map(Ft),tools:zt(t.tools).map(It)};case`state`:return{type:`state`,state:Pt(t)};case`turn`:return{type:`turn`,turn:Ft(t)};case`tool`:return{type:`tool`,tool:It(t)};case`error`:return{type:`error`,code:B(t.code),message:B(t.message)};case`ended`:return{type:`ended`,sessionId:V(t.session_id),reason:B(t.reason),error:V(t.error)};default:return}}function jt(e){return zt(z(e).satellites).map(e=>{let t=z(e);return{entityId:B(t.entity_id),name:B(t.name),kind:B(t.kind),agent:Lt(t.agent),online:t.online===!0,canControl:t.can_control===!0}})}function Mt(e){let{url:t}=z(e);if(typeof t!=`string`)throw TypeError(`rtvoice/browser/connect gave no URL`);return t}function Nt(e){let t=Rt(e);switch(t.type){case`ready`:case`ping`:case`replaced`:return{type:t.type};case`microphone`:return{type:`microphone`,open:t.open===!0};case`clear`:return Bt(t.epoch)?{type:`clear`,epoch:t.epoch}:void 0;case`error`:return{type:`error`,code:B(t.code),message:B(t.message)};default:return}}function Pt(e){return{status:Vt(Ot,e.status)??`idle`,inSession:e.in_session===!0,sessionId:V(e.session_id),userSpeaking:e.user_speaking===!0,assistantSpeaking:e.assistant_speaking===!0,muted:e.muted===!0,online:e.online===!0,agent:Lt(e.agent)}}function Ft(e){let t=z(e);return{itemId:B(t.item_id),role:t.role===`user`?`user`:`assistant`,text:B(t.text),final:t.final===!0,interrupted:t.interrupted===!0,after:V(t.after)}}function It(e){let t=z(e);return{callId:B(t.call_id),name:B(t.name),status:Vt(kt,t.status)??`running`,message:V(t.message)}}function Lt(e){let t=z(e);return typeof t.name==`string`?{name:t.name,entityId:B(t.entity_id)}:null}function Rt(e){try{return z(JSON.parse(e))}catch(e){return console.warn(`rtvoice: the audio socket sent what is no JSON`,e),{}}}function z(e){return typeof e==`object`&&e&&!Array.isArray(e)?e:{}}function zt(e){return Array.isArray(e)?e:[]}function Bt(e){return Number.isSafeInteger(e)&&e>=0}function B(e){return typeof e==`string`?e:``}function V(e){return typeof e==`string`&&e!==``?e:null}function Vt(e,t){return e.find(e=>e===t)}var H=class{constructor(e){this.connection=e}async satellites(){return jt(await this.send({type:`rtvoice/satellites`}))}async start(e){await this.send({type:`rtvoice/session/start`,entity_id:e})}async stop(e){await this.send({type:`rtvoice/session/stop`,entity_id:e})}async interrupt(e){await this.send({type:`rtvoice/session/interrupt`,entity_id:e})}async sendMessage(e,t){await this.send({type:`rtvoice/session/send_message`,entity_id:e,text:t})}async setMuted(e,t){await this.send({type:`rtvoice/session/set_muted`,entity_id:e,muted:t})}async connectBrowser(e){return Mt(await this.send({type:`rtvoice/browser/connect`,entity_id:e}))}send(e){return this.connection.sendMessagePromise(e)}},U=class extends Error{constructor(e,t=``){super(t),this.code=e}},Ht=3;function W(e){if(e===Ht)return{code:`lost`,message:``};let{code:t,message:n}=z(e);return{code:typeof t==`string`?t:`failed`,message:typeof n==`string`?n:``}}function Ut({code:e}){return![`unauthorized`,`not_allowed`,`invalid_format`].includes(e)}var Wt=500,Gt=6,Kt=class{constructor(e,t){this.isDue=e,this.onSilent=t,this.looks=0}start(){this.stop(),this.heard(),this.timer=setInterval(()=>{this.look()},Wt)}heard(){this.looks=0}stop(){clearInterval(this.timer)}look(){this.looks=this.isDue()?this.looks+1:0,this.looks>=Gt&&(this.stop(),this.onSilent())}},qt=1e4,Jt=class{constructor(e,t){this.equipment=e,this.events=t,this.level=0,this.failure=null,this.isWanted=!1,this.isMuted=!1,this.lostAt=-1/0,this.silentAt=-1/0,this.watch=new Kt(()=>this.context?.state===`running`&&!document.hidden,()=>void this.onSilent())}get isOpen(){return this.microphone?.isOpen??!1}set muted(e){this.isMuted=e,this.microphone!==void 0&&(this.microphone.muted=e)}async prepare(e){this.forgive(),this.silentAt=-1/0,await this.openIn(e),this.events.onChanged()}async listen(e){this.isWanted=!0;try{await this.openIn(e),this.forgive()}catch(e){this.fail(e instanceof R?e.reason:`missing`)}}stop(){this.isWanted=!1,this.close()}settle(){this.isWanted||this.close()}forgive(){this.failure=null,this.events.onChanged()}blame(e){this.failure=e,this.events.onChanged()}async openIn(e){let t=this.isOpen;await this.of(e).open(),this.isOpen&&!t&&this.watch.start()}of(e){return this.context=e,this.microphone??=this.equipment.microphone(e,{onFrame:(e,t)=>{this.watch.heard(),this.level=t,this.isWanted&&this.events.onFrame(e)},onLost:()=>void this.onLost()}),this.microphone.muted=this.isMuted,this.microphone}async onLost(){let e=performance.now(),t=e-this.lostAt<qt||document.hidden;this.lostAt=e,this.level=0,this.watch.stop(),this.isWanted?t?this.fail(`lost`):await this.openAgain(`lost`):this.events.onChanged()}async onSilent(){let e=performance.now(),t=e-this.silentAt<qt;this.silentAt=e,this.close(),t?this.fail(`silent`):await this.openAgain(`silent`)}async openAgain(e){try{this.context!==void 0&&await this.openIn(this.context),this.events.onChanged()}catch(t){console.warn(`rtvoice: the microphone cannot be opened again`,t),this.fail(e)}}fail(e){this.blame(e),this.isWanted&&this.events.onFailed(e)}close(){this.watch.stop(),this.microphone?.close(),this.level=0,this.events.onChanged()}},Yt=.02,Xt=class{constructor(e,t){this.context=e,this.node=new AudioWorkletNode(e,_t,{numberOfInputs:0,outputChannelCount:[1]}),this.gain=e.createGain(),this.node.port.onmessage=({data:e})=>{t(e)},this.node.connect(this.gain).connect(e.destination)}set volume(e){this.gain.gain.setTargetAtTime(e*e,this.context.currentTime,Yt)}play(e){this.post({audio:e},[e])}clear(e){this.post({clear:e},[])}close(){this.node.port.onmessage=null,this.post({end:!0},[]),this.node.disconnect(),this.gain.disconnect()}post(e,t){this.node.port.postMessage(e,t)}},Zt=4001,Qt=1e3,$t=1e4,en=.5,tn=class{constructor(e,t,n,r=e=>new WebSocket(e)){this.rates=t,this.events=n,this.dropped=0,this.heardAt=Date.now(),this.ended=!1,this.socket=r(e),this.socket.binaryType=`arraybuffer`,this.socket.onopen=()=>{this.tell({type:`hello`,protocol:1,input_rate_hz:this.rates.inputHz,output_rate_hz:this.rates.outputHz})},this.socket.onmessage=({data:e})=>{this.take(e)},this.socket.onclose=({code:e})=>{this.end(e===Zt?`replaced`:`lost`)},this.watchdog=setInterval(()=>{Date.now()-this.heardAt>$t&&(this.socket.close(),this.end(`lost`))},1e3)}sendAudio(e){this.socket.readyState===WebSocket.OPEN&&(this.socket.bufferedAmount>this.rates.inputHz*2*en?this.dropped+=1:this.socket.send(e))}sendPlayed(e,t){this.tell({type:`played`,epoch:e,samples:t})}sendMicrophoneFailed(e){this.tell({type:`microphone_failed`,reason:e})}close(){this.ended=!0,clearInterval(this.watchdog),this.socket.close(Qt)}tell(e){this.socket.readyState===WebSocket.OPEN&&this.socket.send(JSON.stringify(e))}take(e){if(!this.ended){if(this.heardAt=Date.now(),e instanceof ArrayBuffer)e.byteLength>4&&e.byteLength%2==0&&this.events.onAudio(e);else if(typeof e==`string`){let t=Nt(e);t!==void 0&&this.obey(t)}}}obey(e){switch(e.type){case`ready`:this.events.onReady();break;case`microphone`:this.events.onMicrophone(e.open);break;case`clear`:this.events.onClear(e.epoch);break;case`ping`:this.tell({type:`pong`});break;case`replaced`:this.socket.close(),this.end(`replaced`);break;case`error`:this.events.onError(e.message)}}end(e){this.ended||(this.ended=!0,clearInterval(this.watchdog),this.events.onClosed(e))}},nn="var e=32768,t=class{constructor(e){this.filled=0,this.frame=new Int16Array(n(e,20))}push(e){let t=[];for(let n of e)this.frame[this.filled++]=r(n),this.filled===this.frame.length&&(t.push(this.frame),this.frame=new Int16Array(this.frame.length),this.filled=0);return t}};function n(e,t){return Math.round(e*t/1e3)}function r(t){return Math.max(-32768,Math.min(32767,Math.round(t*e)))}function i(t){return t/e}function a(e,t){if(t===0||e===0)return 0;let n=10*Math.log10(e/t);return Math.max(0,Math.min(1,1-n/-54))}function o(e){return a(e.reduce((e,t)=>e+i(t)**2,0),e.length)}var s=`rtvoice-capture`,c=class extends AudioWorkletProcessor{constructor(...e){super(...e),this.framer=new t(sampleRate)}process([e]){for(let t of this.framer.push(e?.[0]??new Float32Array)){let e={frame:t.buffer,level:o(t)};this.port.postMessage(e,[t.buffer])}return!1}};registerProcessor(s,c);",rn="function e(e,t){return Math.round(e*t/1e3)}function t(e){return e/32768}function n(e,t){if(t===0||e===0)return 0;let n=10*Math.log10(e/t);return Math.max(0,Math.min(1,1-n/-54))}var r=class{constructor(t){this.epoch=0,this.played=0,this.head=0,this.queued=0,this.waited=0,this.flowing=!1,this.fading=new Float32Array,this.ring=new Int16Array(t*4),this.prebuffer=e(t,40)}get isEmpty(){return this.queued===0}push(e,t){if(!(e<this.epoch)){e>this.epoch&&this.clear(e);for(let e of t)this.queued===this.ring.length&&this.take(),this.ring[(this.head+this.queued)%this.ring.length]=e,this.queued+=1}}clear(e){if(!(e<=this.epoch)){if(this.flowing){let e=Math.min(128,this.queued);this.fading=Float32Array.from({length:e},(n,r)=>t(this.take())*(1-(r+1)/e))}this.epoch=e,this.played=0,this.queued=0,this.flowing=!1,this.waited=0}}pull(e){if(e.fill(0),this.fading.length>0){e.set(this.fading.subarray(0,e.length)),this.fading=new Float32Array;return}if(!this.isFlowing(e.length))return;let n=Math.min(e.length,this.queued);for(let r=0;r<n;r+=1)e[r]=t(this.take());this.flowing=this.queued>0}isFlowing(e){return!this.flowing&&this.queued>0&&(this.waited+=e,this.flowing=this.queued>=this.prebuffer||this.waited>this.prebuffer,this.waited=this.flowing?0:this.waited),this.flowing}take(){let e=this.ring[this.head]??0;return this.head=(this.head+1)%this.ring.length,--this.queued,this.played+=1,e}},i=class t{static{this.EVERY_MS=50}constructor(n){this.since=0,this.epoch=0,this.reported=0,this.every=e(n,t.EVERY_MS)}isDue(e,t){return e.epoch!==this.epoch&&(this.epoch=e.epoch,this.reported=0),this.since+=t,e.played===this.reported||this.since<this.every&&!e.isEmpty?!1:(this.since=0,this.reported=e.played,!0)}},a=`rtvoice-playout`,o=class extends AudioWorkletProcessor{constructor(){super(),this.buffer=new r(sampleRate),this.reports=new i(sampleRate),this.sumOfSquares=0,this.count=0,this.isOpen=!0,this.port.onmessage=({data:e})=>{if(`audio`in e){let t=new DataView(e.audio).getUint32(0,!0);this.buffer.push(t,new Int16Array(e.audio,4))}else`clear`in e?this.buffer.clear(e.clear):this.isOpen=!1}}process(e,[t]){let n=t?.[0];return n!==void 0&&(this.buffer.pull(n),this.sumOfSquares+=n.reduce((e,t)=>e+t*t,0),this.count+=n.length,this.reports.isDue(this.buffer,n.length)&&this.report()),this.isOpen}report(){let{epoch:e,played:t}=this.buffer,r={epoch:e,samples:t,level:n(this.sumOfSquares,this.count)};this.port.postMessage(r),this.sumOfSquares=0,this.count=0}};registerProcessor(a,o);",an=24e3,on=48e3;function sn(){let e=un(cn(navigator.userAgent));return e.sampleRate<=on?e:(e.close(),un(on))}function cn(e){return/firefox\//i.test(e)?void 0:an}async function ln(e){for(let t of[nn,rn]){let n=URL.createObjectURL(new Blob([t],{type:`text/javascript`}));try{await e.audioWorklet.addModule(n)}finally{URL.revokeObjectURL(n)}}}function un(e){let t=`interactive`;return new AudioContext(e===void 0?{latencyHint:t}:{latencyHint:t,sampleRate:e})}var dn=500,fn=[`pointerup`,`keydown`],pn=class{async unlock(){let e=this.make(),t=e.resume();return await Promise.all([this.prepared,Promise.race([t,mn(dn)])]),e}whenUnlocked(e){let t=new AbortController,n=async()=>{(await this.unlock()).state===`running`&&!t.signal.aborted&&(t.abort(),e())},r=()=>{n().catch(e=>{console.warn(`rtvoice: no audio in this browser`,e)})};for(let e of fn)document.addEventListener(e,r,{capture:!0,signal:t.signal});return r(),()=>{t.abort()}}make(){if(this.context===void 0||this.context.state===`closed`){this.context=sn(),this.prepared=ln(this.context);let e=this.context;e.onstatechange=()=>{e.state!==`running`&&e.state!==`closed`&&this.whenUnlocked(()=>void 0)}}return this.context}};function mn(e){return new Promise(t=>setTimeout(t,e))}var hn=new pn,gn={isSecure:bt,mayListen:async()=>{try{let{state:e}=await navigator.permissions.query({name:`microphone`});return e===`granted`}catch{return!1}},unlock:()=>hn.unlock(),whenUnlocked:e=>hn.whenUnlocked(e),microphone:(e,t)=>new xt(e,t),speaker:(e,t)=>new Xt(e,t),socket:(e,t,n)=>new tn(e,t,n)},_n=`replaced`,vn=class e{static open(t,n,r,i,a){return new Promise((o,s)=>{new e(t,n,r,i,a,o,s)})}constructor(e,t,n,r,i,a,o){this.events=i,this.onReady=a,this.onRefused=o,this.level=0,this.error=new U(`lost`),this.isReady=!1;let s=n.sampleRate;this.speaker=e.speaker(n,({epoch:e,samples:t,level:n})=>{this.level=n,this.socket.sendPlayed(e,t)}),this.speaker.volume=r,this.socket=e.socket(t,{inputHz:s,outputHz:s},{onReady:()=>{this.isReady=!0,this.onReady(this)},onMicrophone:e=>{this.events.onMicrophone(e)},onAudio:e=>{this.speaker.play(e)},onClear:e=>{this.level=0,this.speaker.clear(e)},onError:e=>{this.error=new U(`refused`,e)},onClosed:e=>{this.onClosed(e)}})}set volume(e){this.speaker.volume=e}sendAudio(e){this.socket.sendAudio(e)}sendMicrophoneFailed(e){this.socket.sendMicrophoneFailed(e)}close(){this.level=0,this.socket.close(),this.speaker.close()}onClosed(e){this.level=0,this.speaker.close(),this.isReady?this.events.onEnd(e,this.error):this.onRefused(e===`replaced`?new U(_n):this.error)}},yn=class{constructor(e){this.entityId=e}get isUsedHere(){return this.read(`used`)===`yes`}set isUsedHere(e){this.write(`used`,e?`yes`:null)}get volume(){let e=Number.parseFloat(this.read(`volume`)??`1`);return e>=0&&e<=1?e:1}set volume(e){this.write(`volume`,String(e))}read(e){try{return localStorage.getItem(this.key(e))}catch{return null}}write(e,t){try{t===null?localStorage.removeItem(this.key(e)):localStorage.setItem(this.key(e),t)}catch(e){console.debug(`rtvoice: this browser keeps nothing`,e)}}key(e){return`rtvoice.${e}.${this.entityId}`}},bn=1e4,xn=1e4,Sn=15e3,Cn={link:`off`,isMicrophoneOpen:!1,failure:null,error:null},wn=class{constructor(e,t,n=gn){this.entityId=e,this.hass=t,this.equipment=n,this.state=Cn,this.listeners=new Set,this.readyAt=0,this.lostAt=-1/0,this.failures=0,this.generation=0,this.memory=new yn(e),this.ears=new Jt(n,{onFrame:e=>this.link?.sendAudio(e),onFailed:e=>this.link?.sendMicrophoneFailed(e),onChanged:()=>{this.tell()}})}get view(){return{...this.state,isMicrophoneOpen:this.ears.isOpen,failure:this.ears.failure}}get levels(){return{microphone:this.ears.level,agent:this.link?.level??0}}attach(e){this.hass=e}subscribe(e){return this.listeners.add(e),()=>{this.listeners.delete(e)}}get volume(){return this.memory.volume}set volume(e){this.memory.volume=e,this.link!==void 0&&(this.link.volume=e)}set muted(e){this.ears.muted=e}async begin(){let e=this.supersede();try{if(!this.equipment.isSecure())throw new R(`insecure`);let t=await this.equipment.unlock();await this.ears.prepare(t),this.link===void 0&&await this.connect(t,e),this.memory.isUsedHere=!0}catch(t){throw e===this.generation&&this.fail(t),t}}settle(){this.ears.settle()}forgive(){this.ears.forgive(),this.show(this.state.link===`replaced`?`off`:this.state.link)}async rejoin(){if(this.state.link!==`off`||!this.memory.isUsedHere||!this.equipment.isSecure())return;let e=this.supersede();await this.equipment.mayListen()&&e===this.generation&&(this.lostAt=-1/0,this.callOff=this.equipment.whenUnlocked(()=>void this.reconnect()))}leave(){this.supersede(),this.drop(),this.show(`off`)}async connect(e,t){this.show(`connecting`);let n=await Tn(Sn,new H(this.hass.connection).connectBrowser(this.entityId)),r=this.hass.hassUrl(n).replace(/^http/,`ws`),i=await vn.open(this.equipment,r,e,this.volume,{onMicrophone:t=>{t?this.ears.listen(e):this.ears.stop()},onEnd:(e,t)=>{this.onEnd(e,t)}});if(t!==this.generation)throw i.close(),new U(`called_off`);this.link=i,this.readyAt=Date.now(),this.show(`ready`)}onEnd(e,t){this.supersede(),this.drop(),e===`replaced`?this.onReplaced():(this.lostAt=Date.now(),this.failures=this.lostAt-this.readyAt>xn?0:this.failures,this.reconnectLater(t))}onReplaced(){this.memory.isUsedHere=!1,this.show(`replaced`)}reconnectLater(e){this.failures+=1,this.show(`lost`,e.message===``?null:e),this.retry=setTimeout(()=>void this.reconnect(),Dt(this.failures,Math.random()))}async reconnect(){let e=this.supersede();try{if(Date.now()-this.lostAt>bn&&await this.isOnline())throw new U(_n);await this.connect(await this.equipment.unlock(),e)}catch(t){e===this.generation&&(this.drop(),this.giveUpOrWait(t))}}giveUpOrWait(e){let t=W(e);t.code===`replaced`?this.onReplaced():Ut(t)?this.reconnectLater(t):this.show(`off`,t)}async isOnline(){return(await Tn(Sn,new H(this.hass.connection).satellites())).some(({entityId:e,online:t})=>e===this.entityId&&t)}fail(e){if(e instanceof R){this.show(this.link===void 0?`off`:`ready`),this.ears.blame(e.reason);return}let t=W(e);this.drop(),t.code===`replaced`?this.onReplaced():this.show(`off`,t)}drop(){this.link?.close(),this.link=void 0,this.ears.stop()}supersede(){return clearTimeout(this.retry),this.callOff?.(),this.callOff=void 0,this.generation+=1,this.generation}show(e,t=null){this.state={link:e,error:t},this.tell()}tell(){for(let e of this.listeners)e()}};async function Tn(e,t){let n,r=new Promise((t,r)=>{n=setTimeout(()=>{r(new U(`timeout`))},e)});try{return await Promise.race([t,r])}finally{clearTimeout(n)}}var En=3e3,G=new Map;function Dn(e,t){let n=G.get(e)??{satellite:new wn(e,t),holders:0,linger:void 0};return G.set(e,n),clearTimeout(n.linger),n.holders+=1,n.satellite.attach(t),n.satellite}function On(e){for(let[t,n]of G)n.satellite===e&&(--n.holders,n.holders===0&&(n.linger=setTimeout(()=>{e.leave(),G.delete(t)},En)))}var kn=class{constructor(e,t,n,r){this.connection=e,this.entityId=t,this.onEvent=n,this.onRefused=r,this.failures=0,this.generation=0,this.again=()=>{this.drop(),this.failures=0,this.subscribe()}}start(){this.connection.addEventListener(`ready`,this.again),this.subscribe()}stop(){this.connection.removeEventListener(`ready`,this.again),this.drop()}async subscribe(){let e=this.generation,t={type:`rtvoice/session/subscribe`,entity_id:this.entityId};try{let n=await this.connection.subscribeMessage(t=>{e===this.generation&&this.take(t)},t,{resubscribe:!1});e===this.generation?(this.failures=0,this.unsubscribe=n):An(n)}catch(t){e===this.generation&&this.refused(W(t))}}refused(e){this.onRefused(e),Ut(e)&&(this.failures+=1,this.timer=setTimeout(()=>void this.subscribe(),Dt(this.failures,Math.random())))}take(e){let t=At(e);t!==void 0&&this.onEvent(t)}drop(){this.generation+=1,clearTimeout(this.timer),this.unsubscribe!==void 0&&An(this.unsubscribe),this.unsubscribe=void 0}};async function An(e){try{await e()}catch(e){console.debug(`rtvoice: a subscription was gone already`,e)}}var jn=`browser`;function Mn(e,t,n,r){let i=t.kind===jn,a=i&&Nn.includes(n.link),o=i&&!a&&e.online,s=e.online||i;return{status:Pn(e,n,r,s),hint:r&&!e.inSession?`hint_cancel`:In(e,t,n,o,s),action:Fn(e,t,r,s),isHere:a,canTakeOver:o&&t.canControl}}var Nn=[`ready`,`connecting`,`lost`];function Pn(e,t,n,r){return e.inSession?t.link===`lost`?`reconnecting`:e.status:n?`connecting`:r?`idle`:`offline`}function Fn(e,t,n,r){return t.canControl?e.inSession||n?`stop`:r?`start`:`none`:`none`}function In(e,t,n,r,i){return t.canControl?e.inSession?r?`hint_stop_elsewhere`:`hint_stop`:n.link===`lost`?`hint_lost`:r?`hint_elsewhere`:i?`hint_start`:`hint_offline`:`hint_watch_only`}var Ln={state:null,entries:[],error:null};function Rn(e,t){switch(t.type){case`snapshot`:return{...e,state:t.state,entries:Hn(t.turns,t.tools)};case`state`:return Vn(e,t.state);case`turn`:return{...e,entries:Un(e.entries,{kind:`turn`,turn:t.turn})};case`tool`:return{...e,entries:Un(e.entries,{kind:`tool`,tool:t.tool})};case`error`:return{...e,error:t.message};case`ended`:return{...e,error:t.error??e.error,entries:Kn(e.entries)}}}function zn(e){return{...e,error:null}}function Bn(e){return{...e,entries:[]}}function Vn(e,t){return t.sessionId!==null&&t.sessionId!==e.state?.sessionId?{state:t,entries:[],error:null}:{...e,state:t}}function Hn(e,t){let n=e.map(e=>({kind:`turn`,turn:e})),r=t.map(e=>({kind:`tool`,tool:e})),i=e.at(-1)?.role===`assistant`?n.length-1:n.length;return n.toSpliced(i,0,...r).slice(-200)}function Un(e,t){let n=e.findIndex(e=>qn(e)===qn(t));if(n>=0)return e.with(n,t);let r=t.kind===`turn`?Wn(e,t.turn):e.length;return e.toSpliced(r,0,t).slice(-200)}function Wn(e,{role:t,after:n}){let r=n===null?-1:e.findIndex(e=>Gn(e)&&e.turn.itemId===n);if(n!==null&&r<0)return e.length;let i=e[r];if(t===`user`&&(i===void 0||Gn(i)&&i.turn.role===`assistant`))return r+1;let a=e.findIndex((e,t)=>t>r&&Gn(e));return a<0?e.length:a}function Gn(e){return e.kind===`turn`}function Kn(e){return e.filter(e=>e.kind===`tool`||e.turn.text!==``).map(e=>e.kind===`turn`?{kind:`turn`,turn:{...e.turn,final:!0}}:e)}function qn(e){return e.kind===`turn`?`turn ${e.turn.itemId}`:`tool ${e.tool.callId}`}var Jn=6e5,Yn=class{constructor(e){this.host=e,this.session=Ln,this.isBusy=!1,this.isOnScreen=!1,this.attempt=0,e.addController(this)}get page(){return this.held?.page.view??Cn}get levels(){return this.held?.page.levels??{microphone:0,agent:0}}get volume(){return this.held?.page.volume??1}set volume(e){this.held!==void 0&&(this.held.page.volume=e,this.host.requestUpdate())}follow(e,t){let n=this.isBack(e,t.entityId),r=t.entityId!==this.wish?.entityId||e.connection!==this.hass?.connection;this.hass=e,this.wish=t,this.held?.page.attach(e),r?(this.leave(),this.session=Ln,this.satellite=void 0,this.refused=void 0,this.enter()):n&&this.refused!==void 0&&this.watch?.again()}hostConnected(){this.isOnScreen=!0,this.enter()}hostDisconnected(){this.isOnScreen=!1,this.leave()}async start(){let e=++this.attempt;await this.attend(async(t,n)=>{await this.held?.page.begin(),e===this.attempt&&await t.start(n)},e)}async takeOver(){await this.attend(async()=>this.held?.page.begin(),++this.attempt)}async stop(){this.attempt+=1,this.isBusy=!1,await this.perform((e,t)=>e.stop(t))}interrupt(){return this.perform((e,t)=>e.interrupt(t))}async setMuted(e){this.mute(e),await this.perform((t,n)=>t.setMuted(n,e))}sendMessage(e){return this.perform((t,n)=>t.sendMessage(n,e))}dismiss(){this.failed=void 0,this.session=zn(this.session),this.held?.page.forgive(),this.host.requestUpdate()}enter(){if(!this.isOnScreen||this.watch!==void 0||this.hass===void 0||!this.wish?.entityId)return;let e=e=>{this.take(e)},t=e=>{this.refused=e,this.host.requestUpdate()};this.watch=new kn(this.hass.connection,this.wish.entityId,e,t),this.watch.start()}leave(){this.watch?.stop(),this.watch=void 0,clearTimeout(this.forgetting),this.letGo()}take(e){this.session=Rn(this.session,e),this.refused=void 0,e.type===`snapshot`&&this.meet(),clearTimeout(this.forgetting),this.session.state?.inSession===!1&&(this.forgetting=setTimeout(()=>{this.session=Bn(this.session),this.host.requestUpdate()},Jn)),this.mute(this.session.state?.muted??!1),this.host.requestUpdate()}async meet(){let{watch:e,hass:t,wish:n}=this;if(t!==void 0&&n!==void 0){try{let r=await new H(t.connection).satellites();if(e!==this.watch)return;this.satellite=r.find(({entityId:e})=>e===n.entityId),this.refused=this.satellite===void 0?{code:`not_found`,message:``}:void 0}catch(e){this.refused=W(e)}this.satellite?.kind===`browser`&&this.satellite.canControl&&this.takeHold(t,n),this.host.requestUpdate()}}takeHold(e,t){if(this.held===void 0){let n=Dn(t.entityId,e),r=n.subscribe(()=>{this.host.requestUpdate()});this.held={page:n,unsubscribe:r},this.mute(this.session.state?.muted??!1)}t.autoConnect&&this.held.page.rejoin()}letGo(){this.held!==void 0&&this.wish!==void 0&&(this.held.unsubscribe(),On(this.held.page),this.held=void 0)}mute(e){this.held!==void 0&&(this.held.page.muted=e)}async attend(e,t){this.dismiss(),this.isBusy=!0,this.host.requestUpdate(),await this.perform(async(n,r)=>{try{await e(n,r)}catch(e){if(t===this.attempt&&!(e instanceof R))throw e}}),this.held?.page.settle(),t===this.attempt&&(this.isBusy=!1,this.host.requestUpdate())}async perform(e){if(this.hass!==void 0&&this.wish!==void 0){try{await e(new H(this.hass.connection),this.wish.entityId)}catch(e){this.failed=W(e)}this.host.requestUpdate()}}isBack(e,t){return!Xn(this.hass,t)&&Xn(e,t)&&this.hass!==void 0}};function Xn(e,t){let n=e?.states[t]?.state;return n!==void 0&&n!==`unavailable`}function K(e,t,n,r){var i=arguments.length,a=i<3?t:r===null?r=Object.getOwnPropertyDescriptor(t,n):r,o;if(typeof Reflect==`object`&&typeof Reflect.decorate==`function`)a=Reflect.decorate(e,t,n,r);else for(var s=e.length-1;s>=0;s--)(o=e[s])&&(a=(i<3?o(a):i>3?o(t,n,a):o(t,n))||a);return i>3&&a&&Object.defineProperty(t,n,a),a}var q=class extends M{constructor(...e){super(...e),this.preview=!1,this.controller=new Yn(this),this.onLevel=e=>{this.renderRoot.querySelector(`rtvoice-talk-button`)?.style.setProperty(`--rtv-level`,e.toFixed(2))}}static getConfigElement(){return document.createElement(`rtvoice-card-editor`)}static getStubConfig(e){return Ve(e)}setConfig(e){this.config=Be(e)}getCardSize(){return this.config!==void 0&&F(this.config,`show_transcript`)?9:5}getGridOptions(){return{columns:12,min_columns:6,rows:`auto`,min_rows:4}}willUpdate(){if(this.hass!==void 0&&this.config!==void 0){let e=!this.preview&&F(this.config,`auto_connect`);this.controller.follow(this.hass,{entityId:this.config.entity,autoConnect:e})}}render(){if(this.hass===void 0||this.config===void 0)return D;let e=lt(this.hass.language),{session:t,satellite:n}=this.controller,r=this.fault(this.config,e);return r===void 0?t.state===null||n===void 0?T`<ha-card>
<header>
<h2>${this.config.title??``}</h2>
<p role="status">${e(`status_loading`)}</p>
</header>
</ha-card>`:this.satellite(this.config,n,t.state,e):T`<ha-card
><div class="fault" role="alert">
<h2>${e(`error_title`)}</h2>
${it({kind:`error`,text:r})}
</div></ha-card
>`}fault(e,t){let{refused:n,session:r}=this.controller;if(e.entity===``)return t(`error_entity_missing`);if(!(n===void 0||n.code===`lost`&&r.state!==null))return n.code===`not_found`?t(`error_entity_unknown`,{entity:e.entity}):ft(n,t)}satellite(e,t,n,r){let i=Mn(n,t,this.controller.page,this.controller.isBusy),a=e.title??t.name,o=this.controller.session.entries.filter(({kind:t})=>F(e,t===`turn`?`show_transcript`:`show_tools`)),s=n.agent??t.agent;return T`
<ha-card>
<header>
<h2>${a}</h2>
${s===null?D:T`<p>${s.name}</p>`}
</header>
<div class="body ${o.length>0?`talks`:``}">
${this.stage(e,i,a,n,r)}
${o.length===0?D:T`<rtvoice-transcript .entries=${o} .localize=${r}></rtvoice-transcript>`}
</div>
${this.notices(i,r)}
${F(e,`show_input`)&&i.action===`stop`?nt(r,e=>void this.controller.sendMessage(e)):D}
</ha-card>
`}stage(e,t,n,r,i){let a=r.inSession&&r.muted,o=t.isHere&&r.inSession&&F(e,`show_level`),s=a&&t.status===`listening`?`status_muted`:`status_${t.status}`;return T`
<div class="stage">
<rtvoice-talk-button
.status=${t.status}
.action=${t.action}
.label=${i(t.action===`stop`?`button_stop`:`button_start`,{name:n})}
.muted=${a}
.metered=${o}
@click=${()=>{this.onTap(t)}}
></rtvoice-talk-button>
<div class="status" role="status">${i(s)}</div>
<p class="hint">${t.hint===null?D:i(t.hint)}</p>
${o?this.meter(i):D} ${this.controls(e,t,r,i)}
</div>
`}meter(e){return T`<rtvoice-level-meter
.user=${e(`level_you`)}
.agent=${e(`level_agent`)}
.levels=${()=>this.controller.levels}
.onLevel=${this.onLevel}
></rtvoice-level-meter>`}controls(e,t,n,r){let{controller:i}=this;return T`
${n.inSession&&t.action===`stop`?T`<div class="controls">
${$e(r,n.muted,()=>void i.setMuted(!n.muted))}
${et(r,n.assistantSpeaking,()=>void i.interrupt())}
</div>`:D}
${t.isHere&&F(e,`show_volume`)?T`<div class="controls">
${tt(r,i.volume,e=>{i.volume=e})}
</div>`:D}
`}notices(e,t){let{errors:n,infos:r}=pt(this.controller,e,t);return T`
<div role="alert" aria-live="assertive">${n.map(it)}</div>
<div role="status">${r.map(it)}</div>
`}onTap({action:e}){e===`start`?this.controller.start():e===`stop`&&this.controller.stop()}static{this.styles=[L,rt,at,Le]}};K([N({attribute:!1})],q.prototype,`hass`,void 0),K([N({type:Boolean})],q.prototype,`preview`,void 0),K([Ie()],q.prototype,`config`,void 0);var J=44,Zn=6,Qn=3,$n=60,er=.82,tr={microphone:0,agent:0},Y=class extends M{constructor(...e){super(...e),this.levels=()=>tr,this.onLevel=()=>void 0,this.user=``,this.agent=``,this.columns=[],this.shown=tr,this.columnAt=0,this.frame=0,this.onFrame=e=>{this.frame=requestAnimationFrame(this.onFrame);let{microphone:t,agent:n}=this.levels();this.shown={microphone:Math.max(t,this.shown.microphone*er),agent:Math.max(n,this.shown.agent*er)},this.onLevel(Math.max(this.shown.microphone,this.shown.agent)),e-this.columnAt>=$n&&(this.columnAt=e,this.columns.push(this.shown),this.draw())}}connectedCallback(){super.connectedCallback(),this.frame=requestAnimationFrame(this.onFrame)}disconnectedCallback(){super.disconnectedCallback(),cancelAnimationFrame(this.frame)}render(){return T`
<div class="meter" aria-hidden="true">
<span class="user">${this.user}</span>
<canvas height=${J}></canvas>
<span class="agent">${this.agent}</span>
</div>
`}firstUpdated(){this.draw()}draw(){let e=this.renderRoot.querySelector(`canvas`),t=e?.getContext(`2d`)??null;if(e===null||t===null)return;let{clientWidth:n}=e,r=window.devicePixelRatio;e.width=n*r,e.height=J*r,t.scale(r,r);let i=Math.max(1,Math.floor((n+Qn)/9));this.columns.splice(0,Math.max(0,this.columns.length-i));let a=getComputedStyle(this),[o,s]=[`--rtv-meter-user`,`--rtv-meter-agent`].map(e=>a.getPropertyValue(e));for(let[e,n]of this.latest(i).entries()){let r=e*9;nr(t,o??``,r,n.microphone,-1),nr(t,s??``,r,n.agent,1)}}latest(e){let t=matchMedia(`(prefers-reduced-motion: reduce)`).matches,n=t?[]:this.columns,r=t?this.shown:tr;return[...Array(e-n.length).fill(r),...n]}static{this.styles=[L,o`
:host {
--rtv-meter-user: var(--rtv-loud);
--rtv-meter-agent: var(--rtv-text-2);
display: block;
width: 100%;
}
.meter {
display: grid;
grid-template: "user canvas" 1fr "agent canvas" 1fr / auto 1fr;
column-gap: 10px;
font-size: var(--ha-font-size-xs, 11px);
line-height: ${J/2}px;
color: var(--rtv-text-2);
text-align: start;
}
.user {
grid-area: user;
}
.agent {
grid-area: agent;
}
canvas {
grid-area: canvas;
width: 100%;
height: ${J}px;
}
`]}};K([N({attribute:!1})],Y.prototype,`levels`,void 0),K([N({attribute:!1})],Y.prototype,`onLevel`,void 0),K([N()],Y.prototype,`user`,void 0),K([N()],Y.prototype,`agent`,void 0);function nr(e,t,n,r,i){let a=2+r*19;e.fillStyle=t,e.globalAlpha=r>.02?1:.3,e.beginPath(),e.roundRect(n,i<0?21-a:23,Zn,a,2),e.fill()}var rr=o`
:host {
--size: 104px;
position: relative;
display: grid;
place-items: center;
width: var(--size);
height: var(--size);
margin: 22px;
flex: none;
}
button {
position: relative;
display: grid;
place-items: center;
width: 100%;
height: 100%;
padding: 0;
border-radius: 50%;
background: var(--rtv-loud);
color: var(--rtv-on-loud);
transition:
background-color 0.2s,
color 0.2s,
transform 0.15s;
}
button .icon {
width: 44px;
height: 44px;
}
@media (hover: hover) {
button:hover {
background: var(--rtv-loud-hover);
}
}
button:active {
transform: scale(0.96);
}
button:disabled,
:host([muted]) button {
background: var(--rtv-neutral);
color: var(--rtv-text-2);
}
button:disabled {
cursor: default;
transform: none;
}
:host([status="connecting"]) button,
:host([status="reconnecting"]) button {
background: var(--rtv-tone);
color: var(--rtv-text);
}
.halo {
position: absolute;
inset: 0;
border-radius: 50%;
background: var(--rtv-loud);
opacity: 0;
transition:
opacity 0.3s,
transform 0.12s ease-out;
}
:host([metered]) .halo {
opacity: 0.2;
transform: scale(calc(1.05 + var(--rtv-level, 0) * 0.22));
}
:host([metered]) .halo.outer {
opacity: 0.1;
transform: scale(calc(1.08 + var(--rtv-level, 0) * 0.36));
}
:host([status="speaking"]:not([metered])) .halo,
:host([status="listening"]:not([metered])) .halo {
animation: breathe 2.4s ease-in-out infinite;
}
.badge {
position: absolute;
right: -2px;
bottom: -2px;
display: grid;
place-items: center;
width: 36px;
height: 36px;
border-radius: 50%;
border: 3px solid var(--rtv-surface);
background: var(--rtv-danger-tone);
color: var(--rtv-danger);
pointer-events: none;
}
.badge .icon {
width: 22px;
height: 22px;
}
.ring {
position: absolute;
inset: 5px;
border-radius: 50%;
border: 4px solid transparent;
border-top-color: var(--rtv-loud);
border-right-color: var(--rtv-loud);
animation: turn 1s linear infinite;
}
.dots,
.bars {
display: flex;
align-items: center;
height: 44px;
gap: 6px;
}
.dots i {
width: 11px;
height: 11px;
border-radius: 50%;
background: currentColor;
animation: blink 1.2s ease-in-out infinite;
}
.bars {
gap: 5px;
}
.bars i {
width: 6px;
height: 40px;
border-radius: 3px;
background: currentColor;
transform: scaleY(0.3);
animation: sway 0.9s ease-in-out infinite alternate;
}
.dots i:nth-child(2),
.bars i:nth-child(2) {
animation-delay: -0.7s;
}
.dots i:nth-child(3),
.bars i:nth-child(3) {
animation-delay: -0.3s;
}
.bars i:nth-child(4) {
animation-delay: -1.1s;
}
.bars i:nth-child(5) {
animation-delay: -0.5s;
}
@keyframes turn {
to {
transform: rotate(1turn);
}
}
@keyframes blink {
0%,
100% {
opacity: 0.35;
}
50% {
opacity: 1;
}
}
@keyframes sway {
to {
transform: scaleY(1);
}
}
@keyframes breathe {
0%,
100% {
opacity: 0.08;
transform: scale(1.06);
}
50% {
opacity: 0.22;
transform: scale(1.2);
}
}
@media (prefers-reduced-motion: reduce) {
*,
.halo {
animation: none !important;
transition: none !important;
}
.halo,
:host([metered]) .halo {
transform: scale(1.1);
}
.bars i:nth-child(odd) {
transform: scaleY(0.5);
}
.bars i:nth-child(3) {
transform: scaleY(1);
}
}
`,X=class extends M{constructor(...e){super(...e),this.status=`idle`,this.action=`start`,this.label=``,this.muted=!1,this.metered=!1}focus(){this.renderRoot.querySelector(`button`)?.focus()}render(){return T`
<span class="halo outer"></span>
<span class="halo"></span>
<button type="button" aria-label=${this.label} title=${this.label} ?disabled=${this.action===`none`}>
${this.face()}
</button>
${this.action===`stop`?T`<span class="badge">${I(Xe)}</span>`:D}
`}face(){switch(this.status){case`connecting`:case`reconnecting`:return T`<span class="ring"></span>${I(qe)}`;case`thinking`:return T`<span class="dots"><i></i><i></i><i></i></span>`;case`speaking`:return T`<span class="bars"><i></i><i></i><i></i><i></i><i></i></span>`;case`offline`:return I(Je);default:return I(this.muted?Je:qe)}}static{this.styles=[L,rr]}};K([N({reflect:!0})],X.prototype,`status`,void 0),K([N({reflect:!0})],X.prototype,`action`,void 0),K([N()],X.prototype,`label`,void 0),K([N({type:Boolean,reflect:!0})],X.prototype,`muted`,void 0),K([N({type:Boolean,reflect:!0})],X.prototype,`metered`,void 0);var ir={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},ar=e=>(...t)=>({_$litDirective$:e,values:t}),or=class{constructor(e){}get _$AU(){return this._$AM._$AU}_$AT(e,t,n){this._$Ct=e,this._$AM=t,this._$Ci=n}_$AS(e,t){return this.update(e,t)}update(e,t){return this.render(...t)}},{I:sr}=ke,cr=e=>e,lr=()=>document.createComment(``),Z=(e,t,n)=>{let r=e._$AA.parentNode,i=t===void 0?e._$AB:t._$AA;if(n===void 0)n=new sr(r.insertBefore(lr(),i),r.insertBefore(lr(),i),e,e.options);else{let t=n._$AB.nextSibling,a=n._$AM,o=a!==e;if(o){let t;n._$AQ?.(e),n._$AM=e,n._$AP!==void 0&&(t=e._$AU)!==a._$AU&&n._$AP(t)}if(t!==i||o){let e=n._$AA;for(;e!==t;){let t=cr(e).nextSibling;cr(r).insertBefore(e,i),e=t}}}return n},Q=(e,t,n=e)=>(e._$AI(t,n),e),ur={},dr=(e,t=ur)=>e._$AH=t,fr=e=>e._$AH,pr=e=>{e._$AR(),e._$AA.remove()},mr=(e,t,n)=>{let r=new Map;for(let i=t;i<=n;i++)r.set(e[i],i);return r},hr=ar(class extends or{constructor(e){if(super(e),e.type!==ir.CHILD)throw Error(`repeat() can only be used in text expressions`)}dt(e,t,n){let r;n===void 0?n=t:t!==void 0&&(r=t);let i=[],a=[],o=0;for(let t of e)i[o]=r?r(t,o):o,a[o]=n(t,o),o++;return{values:a,keys:i}}render(e,t,n){return this.dt(e,t,n).values}update(e,[t,n,r]){let i=fr(e),{values:a,keys:o}=this.dt(t,n,r);if(!Array.isArray(i))return this.ut=o,a;let s=this.ut??=[],c=[],l,u,d=0,f=i.length-1,p=0,m=a.length-1;for(;d<=f&&p<=m;)if(i[d]===null)d++;else if(i[f]===null)f--;else if(s[d]===o[p])c[p]=Q(i[d],a[p]),d++,p++;else if(s[f]===o[m])c[m]=Q(i[f],a[m]),f--,m--;else if(s[d]===o[m])c[m]=Q(i[d],a[m]),Z(e,c[m+1],i[d]),d++,m--;else if(s[f]===o[p])c[p]=Q(i[f],a[p]),Z(e,i[d],i[f]),f--,p++;else if(l===void 0&&(l=mr(o,p,m),u=mr(s,d,f)),l.has(s[d])){if(l.has(s[f])){let t=u.get(o[p]),n=t===void 0?null:i[t];if(n===null){let t=Z(e,i[d]);Q(t,a[p]),c[p]=t}else c[p]=Q(n,a[p]),Z(e,i[d],n),i[t]=null;p++}else pr(i[f]),f--}else pr(i[d]),d++;for(;p<=m;){let t=Z(e,c[m+1]);Q(t,a[p]),c[p++]=t}for(;d<=f;){let e=i[d++];e!==null&&pr(e)}return this.ut=o,dr(e,c),E}}),gr=48,_r=class extends M{constructor(...e){super(...e),this.entries=[],this.follows=!0,this.onScroll=e=>{let{scrollHeight:t,scrollTop:n,clientHeight:r}=e.currentTarget;this.follows=t-n-r<gr}}render(){return T`
<div
class="scroll"
role="group"
aria-label=${this.localize(`transcript`)}
tabindex="0"
@scroll=${this.onScroll}
part="scroll"
>
<ol>
${hr(this.entries,qn,e=>e.kind===`turn`?this.turn(e.turn):this.tool(e.tool))}
</ol>
</div>
<div class="unseen" aria-live="polite" aria-atomic="true">${this.lastSaid()}</div>
`}updated(){let e=this.renderRoot.querySelector(`.scroll`);e!==null&&this.follows&&(e.scrollTop=e.scrollHeight)}turn(e){let t=this.localize(e.role===`user`?`you`:`agent`);return T`
<li class="turn ${e.role} ${e.final?``:`partial`}">
<span class="unseen">${t}:</span>
<span class="text"
>${e.text===``?T`<span class="dots"><i></i><i></i><i></i></span>`:e.text}</span
>
${e.interrupted?T`<span class="note">${this.localize(`interrupted`)}</span>`:D}
</li>
`}tool(e){return T`
<li class="tool ${e.status}">
${e.status===`running`?T`<span class="spinner"></span>`:I(e.status===`ok`?We:Ue)}
<span class="name">${e.name}</span>
<span class="unseen">${this.localize(`tool_${e.status}`)}</span>
${e.message===null?D:T`<span class="why">${e.message}</span>`}
</li>
`}lastSaid(){let e=this.entries.findLast(e=>e.kind===`turn`&&e.turn.final);if(e?.kind!==`turn`)return``;let t=this.localize(e.turn.role===`user`?`you`:`agent`);return this.localize(`said`,{who:t,text:e.turn.text})}static{this.styles=[L,o`
:host {
display: flex;
flex-direction: column;
min-height: 0;
}
.scroll {
flex: 1 1 auto;
min-height: 0;
overflow-y: auto;
overscroll-behavior: contain;
scrollbar-width: thin;
padding: 4px 16px 16px;
outline-offset: -3px;
}
ol {
display: flex;
flex-direction: column;
gap: 8px;
margin: 0;
padding: 0;
list-style: none;
}
.turn {
max-width: min(85%, 36em);
padding: 10px 14px;
border-radius: var(--rtv-radius);
line-height: 1.4;
overflow-wrap: anywhere;
}
.turn.user {
align-self: flex-end;
border-end-end-radius: 6px;
background: var(--rtv-tone);
}
.turn.assistant {
align-self: flex-start;
border-end-start-radius: 6px;
background: var(--rtv-neutral-quiet);
}
.text {
white-space: pre-line;
}
.turn.partial .text {
opacity: 0.8;
}
.note {
display: block;
margin-top: 2px;
font-size: var(--ha-font-size-s, 12px);
font-style: italic;
color: var(--rtv-text-2);
}
.tool {
display: flex;
flex-wrap: wrap;
align-items: center;
gap: 2px 6px;
align-self: flex-start;
max-width: 100%;
min-height: 32px;
padding: 4px 12px 4px 8px;
border: 1px solid var(--rtv-line);
border-radius: 16px;
font-size: var(--ha-font-size-s, 12px);
overflow-wrap: anywhere;
}
.tool .icon {
width: 18px;
height: 18px;
color: var(--rtv-good);
}
.tool.failed .icon,
.tool.failed .why {
color: var(--rtv-danger);
}
.name {
font-weight: var(--ha-font-weight-medium, 500);
}
.why {
color: var(--rtv-text-2);
}
.spinner {
width: 16px;
height: 16px;
margin: 1px;
border-radius: 50%;
border: 2px solid var(--rtv-line);
border-top-color: var(--rtv-loud);
animation: turn 1s linear infinite;
}
.dots {
display: inline-flex;
gap: 4px;
padding: 6px 0;
}
.dots i {
width: 6px;
height: 6px;
border-radius: 50%;
background: var(--rtv-text-2);
}
@keyframes turn {
to {
transform: rotate(1turn);
}
}
@media (prefers-reduced-motion: reduce) {
.spinner {
animation: none;
}
}
`]}};K([N({attribute:!1})],_r.prototype,`entries`,void 0),K([N({attribute:!1})],_r.prototype,`localize`,void 0);function vr(e){let t=e=>({name:e,selector:{boolean:{}}});return[{name:`entity`,required:!0,selector:{entity:{include_entities:e}}},{name:`title`,selector:{text:{}}},{name:`show`,type:`expandable`,flatten:!0,schema:[t(`show_transcript`),t(`show_tools`),t(`show_level`),t(`show_volume`),t(`show_input`)]},t(`auto_connect`)]}function yr(e,t){return{...t,...e}}function br(e,t,n){let{title:r,...i}={...e,...t},a=Object.entries(i).filter(([e,t])=>t!==n[e]),o=r===void 0||r===``?{}:{title:r};return{...Object.fromEntries(a),...o,type:e.type,entity:t.entity??``}}var xr=class extends M{constructor(...e){super(...e),this.onChanged=e=>{if(e.stopPropagation(),this.config!==void 0){let t=br(this.config,e.detail.value,P);this.dispatchEvent(new CustomEvent(`config-changed`,{detail:{config:t},bubbles:!0,composed:!0}))}}}setConfig(e){this.config=e}firstUpdated(){this.ask()}render(){let{hass:e,config:t}=this;if(e===void 0||t===void 0)return D;let n=lt(e.language);return T`
${this.satellites?.length===0?T`<p role="status">${n(`editor_no_satellites`)}</p>`:D}
<ha-form
.hass=${e}
.data=${yr(t,P)}
.schema=${vr(this.satellites??Re(e))}
.computeLabel=${({name:e})=>n(`editor_${e}`)}
.computeHelper=${({name:e})=>e===`entity`||e===`title`||e===`auto_connect`?n(`editor_${e}_helper`):``}
@value-changed=${this.onChanged}
></ha-form>
`}async ask(){if(this.hass!==void 0)try{let e=await new H(this.hass.connection).satellites();this.satellites=e.map(({entityId:e})=>e)}catch(e){console.warn(`rtvoice: the satellites are not known`,W(e))}}static{this.styles=o`
:host {
display: block;
}
p {
margin: 0 0 16px;
}
`}};K([N({attribute:!1})],xr.prototype,`hass`,void 0),K([Ie()],xr.prototype,`config`,void 0),K([Ie()],xr.prototype,`satellites`,void 0);function $(e,t){return customElements.get(e)===void 0&&(customElements.define(e,t),!0)}if($(`rtvoice-talk-button`,X),$(`rtvoice-level-meter`,Y),$(`rtvoice-transcript`,_r),$(`rtvoice-card-editor`,xr),$(`rtvoice-card`,q)){let e=lt(navigator.language);window.customCards??=[],window.customCards.push({type:ze,name:e(`card_name`),description:e(`card_description`),preview:!0,documentationURL:`https://github.com/rtvoice/rtvoice/blob/main/docs/card.md`,getEntitySuggestion:(e,t)=>Re(e).includes(t)?{config:{type:`custom:${ze}`,entity:t}}:null})}