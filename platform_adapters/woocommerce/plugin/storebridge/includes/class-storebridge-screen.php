<?php
/**
 * What is shown where the bridge's page cannot be.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * The connect page, and what to do when the bridge does not answer.
 */
class Storebridge_Screen {

	/**
	 * The connection.
	 *
	 * @var Storebridge_Settings
	 */
	private $settings;

	/**
	 * What waits.
	 *
	 * @var Storebridge_Outbox
	 */
	private $outbox;

	/**
	 * Made by Storebridge_Admin.
	 *
	 * @param Storebridge_Settings $settings The connection.
	 * @param Storebridge_Outbox   $outbox   What waits.
	 */
	public function __construct( Storebridge_Settings $settings, Storebridge_Outbox $outbox ) {
		$this->settings = $settings;
		$this->outbox   = $outbox;
	}

	/**
	 * Keeps what is to be said on the next page this person sees.
	 *
	 * @param string $text  What went wrong; empty where nothing did.
	 * @param string $given The address that was typed.
	 */
	public function say( $text, $given ) {
		if ( '' === $text ) {
			delete_transient( $this->place() );
			return;
		}
		set_transient( $this->place(), array( 'text' => $text, 'given' => $given ), 300 ); // phpcs:ignore WordPress.Arrays
	}

	/**
	 * The notice of a newer plugin.
	 */
	public function notices() {
		$latest = $this->settings->get( 'latest' );
		if ( '' !== $latest && version_compare( $latest, STOREBRIDGE_VERSION, '>' ) ) {
			/* translators: %s: version */
			$text = sprintf( __( 'Version %s of this plugin is available. Whoever runs your bridge can give it to you.', 'storebridge' ), $latest );
			echo '<div class="notice notice-info"><p>' . esc_html( $text ) . '</p></div>';
		}
	}

	/**
	 * Before connecting, and when the connection is gone.
	 */
	public function connect() {
		$said  = get_transient( $this->place() );
		$said  = is_array( $said ) ? $said : array();
		$gone  = '' !== $this->settings->get( 'gone' );
		$given = isset( $said['given'] ) && '' !== $said['given'] ? $said['given'] : $this->settings->get( 'bridge' );
		delete_transient( $this->place() );
		echo '<h1>' . esc_html__( 'Storebridge', 'storebridge' ) . '</h1>';
		if ( ! empty( $said['text'] ) ) {
			echo '<div class="notice notice-error" role="alert"><p>' . esc_html( $said['text'] ) . '</p></div>';
		} elseif ( $gone ) {
			echo '<div class="notice notice-warning"><p>' . esc_html__( 'This store was disconnected on the bridge. Nothing is sent any more. Connect it again to go on where it stopped.', 'storebridge' ) . '</p></div>';
		}
		echo '<p>' . esc_html__( 'Sell what is in this store on marketplaces, and get their orders here, where you pack and ship them like your own.', 'storebridge' ) . '</p>';
		echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '"><input type="hidden" name="action" value="storebridge_connect">';
		wp_nonce_field( 'storebridge_connect' );
		echo '<table class="form-table" role="presentation"><tr><th scope="row"><label for="storebridge-bridge">' . esc_html__( 'Address of your bridge', 'storebridge' ) . '</label></th><td>';
		echo '<input type="url" class="regular-text" id="storebridge-bridge" name="bridge" required placeholder="https://bridge.example" value="' . esc_attr( $given ) . '" aria-describedby="storebridge-bridge-help">';
		echo '<p class="description" id="storebridge-bridge-help">' . esc_html__( 'Whoever runs Storebridge for you has told you. The bridge gets REST API keys of your user for this store; it gets no password.', 'storebridge' ) . '</p></td></tr>';
		echo '<tr><th scope="row"><label for="storebridge-key">' . esc_html__( 'Install key', 'storebridge' ) . '</label></th><td>';
		echo '<input type="password" class="regular-text" id="storebridge-key" name="install_key" autocomplete="off" aria-describedby="storebridge-key-help">';
		echo '<p class="description" id="storebridge-key-help">' . esc_html__( 'Only if you were given one.', 'storebridge' ) . '</p></td></tr></table>';
		echo '<p class="submit"><button class="button button-primary">' . esc_html__( 'Connect', 'storebridge' ) . '</button></p></form>';
	}

	/**
	 * The bridge did not answer, or not as it should.
	 *
	 * @param Storebridge_Answer|null $answer What it said, if anything.
	 */
	public function trouble( $answer ) {
		$posted = isset( $_SERVER['REQUEST_METHOD'] ) && 'POST' === $_SERVER['REQUEST_METHOD'];
		$status = $answer ? $answer->status : 0;
		$bridge = $this->settings->get( 'bridge' );
		echo '<h1>' . esc_html__( 'Storebridge', 'storebridge' ) . '</h1><div class="notice notice-error" role="alert">';
		if ( 413 === $status ) {
			echo '<p><strong>' . esc_html( $answer->text ) . '</strong></p></div>';
			$this->again();
			return;
		}
		/* translators: %s: address */
		$text = 401 === $status ? __( 'The bridge at %s does not accept what this store sends. Check that the clock of this server is right; if it is, connect the store again.', 'storebridge' ) : __( 'The bridge at %s does not answer as it should at the moment.', 'storebridge' );
		echo '<p><strong>' . esc_html( sprintf( $text, $bridge ) ) . '</strong></p>';
		if ( $answer && '' !== $answer->text ) {
			echo '<p>' . esc_html( $answer->text ) . '</p>';
		}
		if ( $posted ) {
			echo '<p>' . esc_html__( 'What you were doing may or may not be done: look before you do it again.', 'storebridge' ) . '</p>';
		}
		$depth = $this->outbox->state()['depth'];
		if ( $depth > 0 ) {
			/* translators: %d: number of changes */
			$waiting = sprintf( _n( 'Nothing is lost: %d change in the store waits and is sent when it answers again.', 'Nothing is lost: %d changes in the store wait and are sent when it answers again.', $depth, 'storebridge' ), $depth );
			echo '<p>' . esc_html( $waiting ) . '</p>';
		}
		echo '</div>';
		$this->again();
		echo '<p>' . esc_html__( 'If this lasts, tell whoever runs your bridge. If it has moved, forget this address and connect to the new one.', 'storebridge' ) . '</p>';
		echo '<form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '"><input type="hidden" name="action" value="storebridge_disconnect">';
		wp_nonce_field( 'storebridge_disconnect' );
		echo '<button class="button">' . esc_html__( 'Forget this bridge', 'storebridge' ) . '</button></form>';
	}

	/**
	 * A way to the page that was asked for; what a form wanted is not sent again by it.
	 */
	private function again() {
		echo '<p><a class="button button-primary" href="' . esc_url( $this->here() ) . '">' . esc_html__( 'Try again', 'storebridge' ) . '</a></p>';
	}

	/**
	 * The page that was asked for.
	 *
	 * @return string
	 */
	private function here() {
		// phpcs:ignore WordPress.Security -- only taken apart and put together again.
		$query = isset( $_SERVER['QUERY_STRING'] ) ? (string) $_SERVER['QUERY_STRING'] : '';
		// phpcs:ignore WordPress.Security -- as above.
		$path = isset( $_GET['path'] ) && is_string( $_GET['path'] ) ? wp_unslash( $_GET['path'] ) : '';
		return Storebridge_Admin::url( Storebridge_Form::fields( $query ) + ( '' === $path ? array() : array( 'path' => $path ) ) );
	}

	/**
	 * Where things said to this person are kept.
	 *
	 * @return string
	 */
	private function place() {
		return 'storebridge_said_' . get_current_user_id();
	}
}
