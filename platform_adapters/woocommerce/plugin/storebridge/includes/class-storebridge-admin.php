<?php
/**
 * The page inside the admin.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Asks the bridge what is to be shown, and prints it. The browser talks to this store only.
 */
class Storebridge_Admin {

	const PAGE       = 'storebridge';
	const CAPABILITY = 'manage_woocommerce';
	const NONCE      = 'storebridge_page';
	const SECONDS    = 25;

	/**
	 * The connection.
	 *
	 * @var Storebridge_Settings
	 */
	private $settings;

	/**
	 * Calls to the bridge.
	 *
	 * @var Storebridge_Bridge
	 */
	private $bridge;

	/**
	 * Connecting.
	 *
	 * @var Storebridge_Connector
	 */
	private $connector;

	/**
	 * Tells the bridge what changed.
	 *
	 * @var Storebridge_Sender
	 */
	private $sender;

	/**
	 * What goes around the bridge's page.
	 *
	 * @var Storebridge_Screen
	 */
	private $screen;

	/**
	 * What the bridge answered, for the time between headers and page.
	 *
	 * @var Storebridge_Answer|null
	 */
	private $answer = null;

	/**
	 * Made by Storebridge_Plugin.
	 *
	 * @param Storebridge_Settings  $settings  The connection.
	 * @param Storebridge_Bridge    $bridge    Calls to the bridge.
	 * @param Storebridge_Connector $connector Connecting.
	 * @param Storebridge_Sender    $sender    Tells the bridge what changed.
	 * @param Storebridge_Outbox    $outbox    What waits.
	 */
	public function __construct( Storebridge_Settings $settings, Storebridge_Bridge $bridge, Storebridge_Connector $connector, Storebridge_Sender $sender, Storebridge_Outbox $outbox ) {
		$this->settings  = $settings;
		$this->bridge    = $bridge;
		$this->connector = $connector;
		$this->sender    = $sender;
		$this->screen    = new Storebridge_Screen( $settings, $outbox );
	}

	/**
	 * Hooks up.
	 */
	public function hook() {
		add_action( 'admin_menu', array( $this, 'menu' ), 60 );
		add_action( 'admin_init', array( $this, 'privacy' ) );
		add_action( 'admin_post_storebridge_connect', array( $this, 'connect' ) );
		add_action( 'admin_post_storebridge_disconnect', array( $this, 'disconnect' ) );
		add_filter( 'plugin_action_links_' . plugin_basename( STOREBRIDGE_FILE ), array( $this, 'links' ) );
	}

	/**
	 * Under WooCommerce, as its guidelines want it.
	 */
	public function menu() {
		$hook = add_submenu_page( 'woocommerce', __( 'Storebridge', 'storebridge' ), __( 'Storebridge', 'storebridge' ), self::CAPABILITY, self::PAGE, array( $this, 'render' ) );
		add_action( "load-$hook", array( $this, 'load' ) );
	}

	/**
	 * What the shop's privacy policy may say of this.
	 */
	public function privacy() {
		if ( function_exists( 'wp_add_privacy_policy_content' ) ) {
			$text = __( 'Orders of this shop are read by the Storebridge it is connected with, so that what was bought on a marketplace is packed here and confirmed there. Whoever runs it can tell how long it keeps what.', 'storebridge' );
			wp_add_privacy_policy_content( __( 'Storebridge', 'storebridge' ), wp_kses_post( wpautop( $text ) ) );
		}
	}

	/**
	 * A way to the page from the list of plugins.
	 *
	 * @param array $links Links there.
	 * @return array
	 */
	public function links( $links ) {
		$link = sprintf( '<a href="%s">%s</a>', esc_url( self::url() ), esc_html__( 'Open', 'storebridge' ) );
		return array_merge( array( $link ), (array) $links );
	}

	/**
	 * The page's address.
	 *
	 * @param array $more Parameters: texts, or lists of texts.
	 * @return string
	 */
	public static function url( array $more = array() ) {
		$parts = array( 'page=' . self::PAGE );
		foreach ( $more as $name => $values ) {
			foreach ( (array) $values as $value ) {
				$parts[] = rawurlencode( (string) $name ) . '=' . rawurlencode( (string) $value );
			}
		}
		return admin_url( 'admin.php?' . implode( '&', $parts ) );
	}

	/**
	 * Before anything is printed: the question to the bridge, so that redirects and downloads can follow.
	 */
	public function load() {
		if ( ! current_user_can( self::CAPABILITY ) ) {
			wp_die( esc_html__( 'You are not allowed to see this page.', 'storebridge' ), '', array( 'response' => 403 ) );
		}
		if ( ! $this->settings->connected() ) {
			return;
		}
		$posted = isset( $_SERVER['REQUEST_METHOD'] ) && 'POST' === $_SERVER['REQUEST_METHOD'];
		if ( $posted ) {
			check_admin_referer( self::NONCE );
		}
		$question = $this->question( $posted );
		if ( null === $question ) {
			$this->answer = new Storebridge_Answer( 413, array(), __( 'The files did not arrive whole, or are larger than 1 MB together.', 'storebridge' ) );
			return;
		}
		$this->answer = $this->bridge->act( 'page', $question, self::SECONDS );
		if ( 410 === $this->answer->status ) {
			$this->settings->mark_gone();
		} elseif ( $this->answer->ok() ) {
			$this->follow( $this->answer->body );
		}
	}

	/**
	 * What the browser asked, as the bridge reads it.
	 *
	 * @param bool $posted Whether it is a form.
	 * @return array|null Null where its files cannot be passed on.
	 */
	private function question( $posted ) {
		// phpcs:disable WordPress.Security.NonceVerification, WordPress.Security.ValidatedSanitizedInput -- the nonce was checked by load(); texts go into JSON, whole.
		$path  = isset( $_GET['path'] ) && is_string( $_GET['path'] ) ? wp_check_invalid_utf8( wp_unslash( $_GET['path'] ), true ) : '';
		$query = isset( $_SERVER['QUERY_STRING'] ) ? (string) $_SERVER['QUERY_STRING'] : '';
		$files = $posted ? Storebridge_Form::files( $_FILES ) : array();
		if ( null === $files ) {
			return null;
		}
		$raw  = $posted ? (string) file_get_contents( 'php://input' ) : ''; // phpcs:ignore WordPress.WP.AlternativeFunctions
		$form = '' !== $raw ? Storebridge_Form::fields( $raw ) : Storebridge_Form::read( $posted ? wp_unslash( $_POST ) : array() );
		// phpcs:enable
		$user  = wp_get_current_user();
		$style = get_option( Storebridge_Settings::STYLE, array() );
		return array(
			'method' => $posted ? 'POST' : 'GET',
			'path'   => ltrim( $path, '/' ),
			'query'  => (object) Storebridge_Form::fields( $query ),
			'form'   => (object) $form,
			'files'  => (object) $files,
			'user'   => array(
				'id'   => (string) $user->ID,
				'name' => $user->display_name,
			),
			/**
			 * What this person may do on the bridge's pages: view, change, customers.
			 *
			 * @param string[] $can  By default everything, since the page is for people who manage the shop.
			 * @param WP_User  $user The person.
			 */
			'can'    => array_values( (array) apply_filters( 'storebridge_can', array( 'view', 'change', 'customers' ), $user ) ),
			'locale' => get_user_locale(),
			'frame'  => array(
				'skin'      => 'wordpress',
				'fixed'     => array( 'page' => self::PAGE ),
				'path_name' => 'path',
				'csrf'      => array(
					'name'  => '_wpnonce',
					'value' => wp_create_nonce( self::NONCE ),
				),
				'style'     => isset( $style['mark'] ) ? (string) $style['mark'] : '',
			),
		);
	}

	/**
	 * Redirects, downloads, the stylesheet, the title.
	 *
	 * @param array $body What the bridge said.
	 */
	private function follow( array $body ) {
		if ( ! empty( $body['redirect'] ) && is_array( $body['redirect'] ) ) {
			$to    = $body['redirect'];
			$path  = isset( $to['path'] ) && is_string( $to['path'] ) ? $to['path'] : '';
			$query = isset( $to['query'] ) && is_array( $to['query'] ) ? $to['query'] : array();
			wp_safe_redirect( self::url( array_merge( $query, '' === $path ? array() : array( 'path' => $path ) ) ) );
			exit;
		}
		if ( ! empty( $body['download'] ) && is_array( $body['download'] ) ) {
			$this->send_file( $body['download'] );
		}
		if ( isset( $body['style'] ) && is_string( $body['style'] ) && '' !== $body['style'] ) {
			$mark = substr( hash( 'sha256', $body['style'] ), 0, 12 );
			update_option( Storebridge_Settings::STYLE, array( 'mark' => $mark, 'text' => $body['style'] ), false ); // phpcs:ignore WordPress.Arrays
		}
		$style = get_option( Storebridge_Settings::STYLE, array() );
		wp_register_style( 'storebridge', false, array(), STOREBRIDGE_VERSION );
		wp_enqueue_style( 'storebridge' );
		wp_add_inline_style( 'storebridge', isset( $style['text'] ) ? $style['text'] : '' );
		wp_enqueue_script( 'storebridge-consent', plugins_url( 'assets/consent.js', STOREBRIDGE_FILE ), array(), STOREBRIDGE_VERSION, true );
		$status = isset( $body['status'] ) ? (int) $body['status'] : 200;
		if ( $status >= 400 && $status < 600 ) {
			status_header( $status );
		}
		add_filter( 'admin_title', array( $this, 'title' ) );
	}

	/**
	 * The title of the window.
	 *
	 * @param string $title WordPress's own.
	 * @return string
	 */
	public function title( $title ) {
		$own = $this->answer && isset( $this->answer->body['title'] ) ? (string) $this->answer->body['title'] : '';
		return '' === $own ? $title : esc_html( $own ) . ' ‹ ' . $title;
	}

	/**
	 * A file the bridge has made.
	 *
	 * @param array $file {name, type, base64}.
	 */
	private function send_file( array $file ) {
		$content = base64_decode( isset( $file['base64'] ) ? (string) $file['base64'] : '', true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- a file out of JSON.
		$name    = sanitize_file_name( isset( $file['name'] ) ? (string) $file['name'] : '' );
		$type    = isset( $file['type'] ) && preg_match( '#^[a-z0-9.+-]+/[a-z0-9.+-]+(; charset=[a-z0-9-]+)?$#iD', $file['type'] ) ? $file['type'] : 'application/octet-stream';
		nocache_headers();
		header( 'Content-Type: ' . $type );
		header( 'Content-Disposition: attachment; filename="' . ( '' === $name ? 'download' : $name ) . '"' );
		header( 'X-Content-Type-Options: nosniff' );
		header( 'Content-Length: ' . strlen( (string) $content ) );
		echo $content; // phpcs:ignore WordPress.Security.EscapeOutput -- the bytes of a file that is saved, not shown.
		exit;
	}

	/**
	 * The page.
	 */
	public function render() {
		echo '<div class="wrap">';
		$this->screen->notices();
		if ( ! $this->settings->connected() ) {
			$this->screen->connect();
		} elseif ( $this->answer && $this->answer->ok() && isset( $this->answer->body['html'] ) ) {
			// Signed by the bridge, which has escaped all that is in it; it holds no script.
			echo $this->answer->body['html']; // phpcs:ignore WordPress.Security.EscapeOutput
		} else {
			$this->screen->trouble( $this->answer );
		}
		echo '</div>';
	}

	/**
	 * The button of the connect page.
	 */
	public function connect() {
		$this->only_managers( 'storebridge_connect' );
		// phpcs:ignore WordPress.Security.NonceVerification.Missing -- checked above.
		$given  = isset( $_POST['bridge'] ) ? sanitize_text_field( wp_unslash( $_POST['bridge'] ) ) : '';
		$bridge = Storebridge_Connector::address( $given );
		// phpcs:ignore WordPress.Security.NonceVerification.Missing -- checked above.
		$key      = isset( $_POST['install_key'] ) ? sanitize_text_field( wp_unslash( $_POST['install_key'] ) ) : '';
		$obstacle = Storebridge_Connector::obstacle();
		if ( '' !== $obstacle ) {
			$this->back( $obstacle, $given );
			return;
		}
		if ( '' === $bridge ) {
			$this->back( __( 'Enter the address of your bridge, beginning with https://', 'storebridge' ), $given );
			return;
		}
		$answer = $this->connector->connect( $bridge, $key );
		if ( ! $answer->ok() ) {
			/* translators: 1: address, 2: what it said */
			$this->back( sprintf( __( 'The bridge at %1$s did not connect this store: %2$s', 'storebridge' ), $bridge, $answer->text ), $given );
			return;
		}
		$this->sender->keep_scheduled();
		$this->sender->beat();
		$this->back( '', '' );
	}

	/**
	 * Forgets the bridge.
	 */
	public function disconnect() {
		$this->only_managers( 'storebridge_disconnect' );
		$this->connector->disconnect( 'disconnected' );
		$this->back( '', '' );
	}

	/**
	 * Whoever may not, or comes from elsewhere, gets no further.
	 *
	 * @param string $action The nonce's action.
	 */
	private function only_managers( $action ) {
		if ( ! current_user_can( self::CAPABILITY ) ) {
			wp_die( esc_html__( 'You are not allowed to do this.', 'storebridge' ), '', array( 'response' => 403 ) );
		}
		check_admin_referer( $action );
	}

	/**
	 * To the page, with what is to be said there.
	 *
	 * @param string $text  What went wrong; empty where nothing did.
	 * @param string $given The address that was typed.
	 */
	private function back( $text, $given ) {
		$this->screen->say( $text, $given );
		wp_safe_redirect( self::url() );
		exit;
	}
}
